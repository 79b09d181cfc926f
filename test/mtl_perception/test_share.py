"""Where the package finds what came with it, however it was installed."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import pytest

from mtl_perception import share

PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def install(prefix: Path, monkeypatch, library: str = "lib/python3.10/site-packages") -> Path:
    """Pretend that the package lies in ``prefix``, and return its share folder there."""
    monkeypatch.setattr(share, "__file__", str(prefix / library / "mtl_perception" / "share.py"))
    folder = prefix / "share" / "mtl_perception"
    folder.mkdir(parents=True)
    (folder / "package.xml").touch()
    return folder


def test_the_checkout_is_its_own_share_folder():
    folder = share.share_directory()
    assert (folder / "config" / "perception.yaml").is_file() and (folder / "launch").is_dir()


@pytest.mark.parametrize(
    "library", ["lib/python3.10/site-packages", "lib/python3/dist-packages", "local/lib/python3.10/dist-packages"]
)
def test_an_installed_package_finds_its_prefix(tmp_path, monkeypatch, library):
    assert share.share_directory() != install(tmp_path / "prefix", monkeypatch, library)
    assert share.share_directory() == (tmp_path / "prefix" / "share" / "mtl_perception").resolve()


def test_a_package_without_its_share_folder_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(share, "__file__", str(tmp_path / "site-packages" / "mtl_perception" / "share.py"))
    with pytest.raises(FileNotFoundError, match="install the package again"):
        share.share_directory()


def test_models_are_paths_or_names_of_shipped_ones(monkeypatch):
    models = share.share_directory() / "models"
    assert share.model_path("") == models / f"{share.DEFAULT_MODEL}.onnx"
    assert share.model_path("mine") == models / "mine.onnx"
    assert share.model_path("mine.onnx") == Path("mine.onnx")
    assert share.model_path("/data/mine") == Path("/data/mine")
    monkeypatch.setenv("HOME", "/home/robot")
    assert share.model_path("~/mine.onnx") == Path("/home/robot/mine.onnx")
    assert share.model_path("~nobody-of-that-name/mine.onnx") == Path("~nobody-of-that-name/mine.onnx")


@pytest.fixture
def no_profile():
    with mock.patch.dict(os.environ):
        for variable in PROFILE_VARIABLES:
            os.environ.pop(variable, None)
        yield


def test_the_shared_memory_profile_is_set_where_none_is(no_profile):
    share.use_shared_memory_profile()
    for variable in PROFILE_VARIABLES:
        assert Path(os.environ[variable]).read_text().count("<segment_size>") == 1


@pytest.mark.parametrize("own", PROFILE_VARIABLES)
def test_a_profile_of_the_user_is_left_alone(no_profile, own):
    os.environ[own] = "/home/robot/profile.xml"
    share.use_shared_memory_profile()
    assert {v: os.environ[v] for v in PROFILE_VARIABLES if v in os.environ} == {own: "/home/robot/profile.xml"}
