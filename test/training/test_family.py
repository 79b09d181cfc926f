"""A family of students: trained, taught, exported, and set side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from ball_folder import write_folder

from mtl_perception.network import Network
from training.__main__ import main
from training.errors import ConfigurationError
from training.family import command
from training.family.checks import check_report
from training.family.family import FAMILIES, read_family
from training.family.table import draw, markdown

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
    names = [f"f{i:02d}" for i in range(12)]
    write_folder(home / "balls", splits={"train": names[:8], "val": names[8:10], "test": names[10:]})
    write_folder(home / "walk")
    written(home / "balls_family.yaml")
    return home


@pytest.fixture(scope="module")
def trained(home):
    """The home with the small one, and so its teacher, trained: not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert run("--members", "small") == 0
    return home


@pytest.fixture
def moved(trained, tmp_path, monkeypatch):
    """A copy of the trained home elsewhere, where the tests are; there, times are not taken but made up."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "_times", lambda files: dict.fromkeys(files, timed(9.0, "a fast library")))
    return tmp_path


def run(*arguments: str) -> int:
    return main(["family", "balls_family.yaml", "--root", ".", "--accelerator", "cpu", *arguments])


def timed(median: float, device: str) -> dict:
    return {"ms": {"median": median, "p95": 1.2 * median}, "device": device}


def test_a_taught_student_is_trained_after_its_teacher_exported_and_timed(trained, monkeypatch):
    monkeypatch.chdir(trained)
    home, runs = trained, trained / "runs" / "balls_family"
    content = json.loads((runs / "balls_family.json").read_text())
    assert list(content["members"]) == ["small"]
    small = content["members"]["small"]
    card = Network(runs / "small-seed0.onnx").card
    assert small["values"] == card.evaluations[0].values and small["ms"]["p95"] >= small["ms"]["median"] > 0
    page = (runs / "balls_family.md").read_text()
    assert "| small | taught by the large one | " in page and f"- Timed by {small['device']}: small." in page
    assert {data.name for data in card.training_data} == {"balls", "walk"}
    # Of the unlabelled frames, the teacher labelled all with a picture whose classes are hidden.
    labelled = {path.stem for path in (runs / "pseudo" / "large-seed0" / "pseudo_semantic").iterdir()}
    assert len(labelled) == 7 and not (home / "walk" / "pseudo_semantic").exists()
    assert (runs / "balls_family.png").read_bytes().startswith(b"\x89PNG")

    files = {path: path.stat().st_mtime_ns for path in runs.rglob("*.onnx")}
    files |= {path: path.stat().st_mtime_ns for path in runs.rglob("*.ckpt")}
    assert run("--members", "small") == 0
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_unlabelled_frames_need_no_classes(tmp_path, monkeypatch):
    """As the depth logger leaves them."""
    monkeypatch.chdir(tmp_path)
    names = [f"f{i:02d}" for i in range(12)]
    write_folder(tmp_path / "balls", splits={"train": names[:8], "val": names[8:]})
    shutil.rmtree(write_folder(tmp_path / "walk", classes={}).root / "semantic")
    written(tmp_path / "balls_family.yaml")
    monkeypatch.setattr(command, "_times", lambda files: dict.fromkeys(files, timed(9.0, "a fast library")))
    assert run("--members", "small") == 0
    card = Network(tmp_path / "runs" / "balls_family" / "small-seed0.onnx").card
    assert {data.name for data in card.training_data} == {"balls", "walk"}


def test_what_was_measured_on_other_frames_is_exported_anew_and_not_trained(moved, capsys):
    assert run("--members", "small", "--table-only") == 0  # Of the same frames at another place.
    written(moved / "balls_family.yaml", report="balls:test", size=[64, 64])
    runs = moved / "runs" / "balls_family"
    page = (runs / "balls_family.md").read_text()
    capsys.readouterr()
    assert run("--table-only") == 2
    complaint = capsys.readouterr().err
    assert "small-seed0.onnx is left out: it was not made for 64x64 and measured on the frames that" in complaint
    assert "balls:test names now" in complaint and "no student yet" in complaint
    assert (runs / "balls_family.md").read_text() == page

    checkpoints = {path: path.stat().st_mtime_ns for path in runs.rglob("*.ckpt")}
    assert run("--members", "small") == 0
    assert len(checkpoints) == 2 and all(path.stat().st_mtime_ns == then for path, then in checkpoints.items())
    card = Network(runs / "small-seed0.onnx").card
    assert (card.input_height, card.input_width) == (64, 64)
    assert [(e.data, e.split) for e in card.evaluations] == [("balls", "test")]
    page = (runs / "balls_family.md").read_text()
    assert "64x64 in and out; trained on balls:train, measured on balls:test, mIoU" in page


def test_other_frames_of_the_same_name_are_told_apart(moved, capsys):
    (moved / "balls" / "depth" / "f09.png").unlink()
    assert run("--members", "small", "--table-only") == 2
    assert "small-seed0.onnx is left out" in capsys.readouterr().err
    (moved / "walk" / "depth" / "f00.png").unlink()
    for arguments in (["--table-only"], []):
        assert run("--members", "small", *arguments) == 2
        complaint = capsys.readouterr().err
        assert "balls_family/small was begun with other settings than now (frames differ" in complaint


def test_one_that_cannot_be_timed_does_not_deny_the_others_their_times(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "ROUNDS", 1)
    (tmp_path / "large-seed0.onnx").write_bytes(b"torn")
    good = trained / "runs" / "balls_family" / "small-seed0.onnx"
    times = command._times({"large": tmp_path / "large-seed0.onnx", "small": good})
    assert list(times["large"]) == ["not_timed"] and "damaged" in times["large"]["not_timed"]
    assert times["small"]["ms"]["median"] > 0 and times["small"]["device"] == Network(good).device


@pytest.mark.parametrize("changes", [{"report": "balls:train"}, {"report": "walk:train"}])
def test_nobody_is_trained_on_what_is_reported(home, tmp_path, monkeypatch, capsys, changes):
    monkeypatch.chdir(tmp_path)
    assert main(["family", str(written(tmp_path / "seen.yaml", **changes)), "--root", str(home)]) == 2
    assert f"8 frames, f00 is one, are of {changes['report']}, which is trained on, and of" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_what_the_frames_of_the_report_lack_is_said_before_anything_is_trained(home, tmp_path, capsys):
    shutil.copytree(home / "walk", tmp_path / "walk")
    sources = "walk:val", [str(home / "balls:train")], str(tmp_path)
    check_report(*sources)
    assert not capsys.readouterr().err
    shutil.rmtree(tmp_path / "walk" / "semantic")
    check_report(*sources)
    assert "no frame of walk:val has a label of semantic: the table shows - for it" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "walk" / "depth")
    with pytest.raises(ConfigurationError, match="no frame of walk:val has a label of depth or semantic"):
        check_report(*sources)


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
        ({"size": [480, "wide"]}, r"size is height and width, e.g. \[480, 640\], not \[480, 'wide'\]"),
        ({"size": [480]}, "size is height and width"),
        ({"fit": {"data": {"height": 64, "width": 0}}, "faithful": "huge"}, "has no member"),  # fit tells of the width
        ({"fit": ["data"], "faithful": "huge"}, "has no member"),
        ({"size": [480, 640]}, "an input of 480x640 would be squashed to the 64x64 at which large works"),
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
        "large": {"values": values, "parameters_m": 8.6, **timed(100.0, "a library")},
        "small": {"values": values, "parameters_m": 2.0, **timed(20.0, "a library")},
    }
    table = markdown(family, members, "")
    assert "| small | taught by the large one | 2.0 | 50.0 | 0.700 | 20.0 (24.0) | 5.0 |" in table
    assert "| mIoU, % | depth rmse, m |" in table
    assert "- Timed by a library: large, small." in table and "do not compare" not in table
    members["small"]["device"] = "another library"
    table = markdown(family, members, "")
    assert "| 20.0 (24.0) | - |" in table and "do not compare" in table
    assert "- Timed by a library: large." in table and "- Timed by another library: small." in table
    del members["large"]
    assert "| 20.0 (24.0) | - |" in markdown(family, members, "")


def test_the_table_shows_what_is_not_known_as_a_dash(tmp_path):
    family = read_family(written(tmp_path / "two.yaml"))
    members = {
        "large": {"values": {"miou_present": 0.5}, "parameters_m": 8.6, "not_timed": "no memory\nleft"},
        "small": {"values": {"rmse": 0.7}, "parameters_m": 2.0, **timed(20.0, "a library")},
    }
    table = markdown(family, members, "")
    assert "| large | the large one | 8.6 | 50.0 | - | not timed | - |" in table
    assert "| small | taught by the large one | 2.0 | - | 0.700 | 20.0 (24.0) | - |" in table
    assert "- large could not be timed: no memory left" in table
    draw(family, members, tmp_path / "two.png")
    assert (tmp_path / "two.png").read_bytes().startswith(b"\x89PNG")
