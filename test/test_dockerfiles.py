"""The images hold what the package needs, as far as can be told without building them."""

from __future__ import annotations

import configparser
import re
import runpy
import shlex
import xml.etree.ElementTree as ElementTree
from fnmatch import fnmatch
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


def instructions(path: Path) -> list[tuple[str, str]]:
    """Keyword and rest of every instruction, lines that go on put together, comments left out."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    lines = filter(None, re.sub(r"\\\n\s*", " ", text).splitlines())
    return [(keyword, rest) for keyword, _, rest in (line.partition(" ") for line in lines)]


def copied(path: Path) -> list[str]:
    return [name for keyword, rest in instructions(path) if keyword == "COPY" for name in shlex.split(rest)[:-1]]


@pytest.fixture(scope="module")
def installed() -> list[str]:
    """Everything that setup.py and setup.cfg ask for."""
    taken = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(setuptools, "setup", lambda **arguments: taken.update(arguments))
        runpy.run_path("setup.py")
    files = [name for _, names in taken["data_files"] for name in names]
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    read = [config["metadata"]["long_description"].removeprefix("file:").strip(), config["metadata"]["license_files"]]
    return [*files, *(package.replace(".", "/") for package in taken["packages"]), *read]


def test_there_is_one_for_a_robot_and_one_for_training():
    assert [path.name for path in FILES] == ["robot.Dockerfile", "training.Dockerfile"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_copied_is_there_and_reaches_the_builder(path):
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for name in copied(path):
        assert (ROOT / name).exists(), f"{path.name} copies {name}"
        assert not any(fnmatch(name, pattern) for pattern in ignored), f"{name} is in .dockerignore"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_all_that_the_package_installs_is_copied(path, installed):
    there = copied(path)
    missing = [name for name in installed if not any(name == c or name.startswith(f"{c}/") for c in there)]
    assert not missing, f"{path.name} leaves out what setup.py installs"
    assert "setup.py" in there and "setup.cfg" in there and "package.xml" in there


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_extras_constraints_and_python_are_those_of_the_package(path):
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    text = " ".join(rest for keyword, rest in instructions(path) if keyword == "RUN")
    for group in re.findall(r"-e '\.\[([^\]]*)\]'", text):
        assert set(group.split(",")) <= set(config["options.extras_require"])
    for name in re.findall(r"--constraint (\S+)", text):
        assert name in copied(path)
    for version in re.findall(r"FROM python:3\.(\d+)", path.read_text()):
        assert f"Programming Language :: Python :: 3.{version}" in config["metadata"]["classifiers"]


def test_the_robots_image_takes_its_libraries_by_rosdep_and_starts_a_launch_file_that_is_there():
    (entry,) = (rest for keyword, rest in instructions(FILES[0]) if keyword == "ENTRYPOINT")
    package, launch_file = re.search(r"ros2 launch (\S+) (\S+)", entry).groups()
    assert (ROOT / "launch" / launch_file).exists()
    description = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package == description.findtext("name")
    keys = {element.text for element in description.findall("exec_depend")}
    assert {"launch_ros", "rclpy", "python3-onnxruntime-pip"} <= keys
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    required = re.findall(r"(?m)^[\w-]+", config["options"]["install_requires"])
    # What builds the package; and what stands in for cv_bridge where there is no ROS.
    for name in set(required) - {"setuptools", "rosbags-image"}:
        stem = f"python3-{name.removesuffix('-python-headless')}"
        assert {stem, f"{stem}-pip"} & keys, f"package.xml does not name {name}"


def test_the_training_image_runs_training_from_its_checkout():
    found = instructions(FILES[1])
    (entry,) = (rest for keyword, rest in found if keyword == "ENTRYPOINT")
    assert entry == '["python", "-m", "training"]' and "training" in copied(FILES[1])
    folders = [rest for keyword, rest in found if keyword == "WORKDIR"]
    assert f"PYTHONPATH={folders[0]}" in " ".join(rest for keyword, rest in found if keyword == "ENV")
