"""A family of students: trained, taught, exported, and set side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ball_folder import write_folder

from mtl_perception.network import Network
from training.__main__ import main
from training.errors import ConfigurationError
from training.family.family import FAMILIES, read_family
from training.family.table import markdown

pytestmark = pytest.mark.timeout(300)

HEADS = {"model": {"head_widths": [8, 8, 8, 8]}}
FAMILY = {
    "labelled": ["balls:train"],
    "unlabelled": "walk:train",
    "report": "balls:val",
    "size": [96, 96],
    "faithful": "large",
    "fit": {
        "data": {"height": 64, "width": 64, "focal_length": 50, "batch_size": 2, "workers": 0},
        "model": {"backbone": "mobilenetv4_conv_small"},
        "trainer": {"max_steps": 2, "max_epochs": -1},
    },
    "members": {
        "large": {"title": "the large one", "fit": {"model": {"head_widths": [16, 16, 16, 16]}}},
        "small": {"title": "taught by the large one", "teacher": "large", "fit": HEADS},
    },
}


def written(path: Path, **changes) -> Path:
    path.write_text(yaml.safe_dump({**FAMILY, **changes}))
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("family")
    write_folder(home / "balls")
    write_folder(home / "walk")
    written(home / "balls_family.yaml")
    return home


def run(*arguments: str) -> int:
    return main(["family", "balls_family.yaml", "--root", ".", "--accelerator", "cpu", *arguments])


def test_a_taught_student_is_trained_after_its_teacher_exported_and_timed(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    assert run("--members", "small") == 0
    runs = home / "runs" / "balls_family"
    assert "| small | taught by the large one | " in capsys.readouterr().out
    content = json.loads((runs / "balls_family.json").read_text())
    assert list(content["members"]) == ["small"]
    small = content["members"]["small"]
    card = Network(runs / "small-seed0.onnx").card
    assert small["values"] == card.evaluations[0].values and small["ms"]["p95"] >= small["ms"]["median"] > 0
    assert {data.name for data in card.training_data} == {"balls", "walk"}
    # Of the unlabelled frames, the teacher labelled all with a picture whose classes are hidden.
    labelled = {path.stem for path in (runs / "pseudo" / "large-seed0" / "pseudo_semantic").iterdir()}
    assert len(labelled) == 7 and not (home / "walk" / "pseudo_semantic").exists()
    assert (runs / "balls_family.png").read_bytes().startswith(b"\x89PNG")

    files = {path: path.stat().st_mtime_ns for path in runs.rglob("*.onnx")}
    files |= {path: path.stat().st_mtime_ns for path in runs.rglob("*.ckpt")}
    assert run("--members", "small") == 0
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_a_member_begun_with_other_settings_is_refused(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    runs = home / "runs" / "changed"
    runs.mkdir(parents=True)
    path = written(home / "changed.yaml")
    (runs / "small-seed0-settings.json").write_text(json.dumps({"own": {"model": {"head_widths": [4, 4, 4, 4]}}}))
    assert main(["family", str(path), "--root", "."]) == 2
    complaint = capsys.readouterr().err
    assert "changed/small was begun with other settings than now" in complaint and "own" in complaint
    (runs / "small-seed0-settings.json").rename(runs / "large-seed0-settings.json")
    assert main(["family", str(path), "--root", ".", "--members", "small"]) == 2
    assert "changed/large was begun with other settings than now" in capsys.readouterr().err


def test_nothing_trained_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["family", str(written(tmp_path / "none.yaml")), "--table-only"]) == 2
    assert "holds no student yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"faithful": "huge"}, "has no member 'huge'; it has: large, small"),
        ({"members": {"large": {"title": "", "teacher": "large"}}}, "large learns from itself"),
        (
            {"members": {"large": {"title": "", "teacher": "small"}, "small": {"title": "", "teacher": "large"}}},
            "learns from itself: large from small from large",
        ),
        ({"unlabelled": ""}, "small has a teacher, and there are no `unlabelled` frames"),
        ({"unlabelled": "balls:val"}, "come from another folder than balls"),
        ({"members": []}, "is no family"),
        ({"colour": "red"}, "is no family: .*colour"),
    ],
)
def test_a_family_that_cannot_be(tmp_path, changes, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        read_family(written(tmp_path / "bad.yaml", **changes))


def test_the_families_that_come_along_can_be_read():
    families = [read_family(path) for path in FAMILIES.glob("*.yaml")]
    assert families and all(member.fit for family in families for member in family.members)


def test_the_table_compares_with_the_faithful_one(tmp_path):
    family = read_family(written(tmp_path / "two.yaml"))
    values = {"miou_present": 0.5, "rmse": 0.7}
    members = {
        "large": {"values": values, "parameters_m": 8.6, "ms": {"median": 100.0, "p95": 120.0}},
        "small": {"values": values, "parameters_m": 2.0, "ms": {"median": 20.0, "p95": 21.0}},
    }
    table = markdown(family, members, "")
    assert "| small | taught by the large one | 2.0 | 50.0 | 0.700 | 20.0 (21.0) | 5.0 |" in table
    del members["large"]
    assert "| 20.0 (21.0) | - |" in markdown(family, members, "")
