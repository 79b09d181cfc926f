"""What labels carried by poses were made of: interrupted, they are gone on with; where it has changed, made anew."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
from carried_labels import LABELLED, NAMES, files, reproject, whole
from full_disk import fill_after
from room_views import write_room

from training.__main__ import main
from training.datasets.label_budget import LabelBudget
from training.datasets.pseudo_folder import DESCRIPTION, PseudoFolder
from training.reprojection import labelling
from training.reprojection.record import RECORD


def test_interrupted_it_goes_on_and_leaves_what_is_written(room, monkeypatch):
    """Also where it ends between the two files of a frame."""
    whole = PseudoFolder.write

    def write(labels: PseudoFolder, kind: str, name: str, array: np.ndarray) -> None:
        if (kind, name) == ("semantic", "f09"):
            raise ZeroDivisionError
        whole(labels, kind, name, array)

    monkeypatch.setattr(PseudoFolder, "write", write)
    with pytest.raises(ZeroDivisionError):
        reproject(room)
    begun = {path: path.stat().st_mtime_ns for path in (room.root / "pseudo_semantic").iterdir()}
    assert {path.stem for path in begun} == {"f06", "f07", "f08"} and (room.root / "confidence" / "f09.png").exists()
    monkeypatch.setattr(PseudoFolder, "write", whole)
    assert reproject(room) == 0
    assert len(list((room.root / "pseudo_semantic").iterdir())) == 6
    assert all(path.stat().st_mtime_ns == written for path, written in begun.items())


def test_a_full_disk_is_said_in_a_line_and_the_same_command_goes_on(room, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        fill_after(6, patch)
        assert reproject(room) == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error and "goes on from it" in error and error.count("\n") == 1
    assert not list(room.root.rglob("*.part"))
    assert reproject(room) == 0
    assert len(list((room.root / "pseudo_semantic").iterdir())) == 6


def test_labels_of_another_budget_or_of_a_network_are_left_alone(room, capsys):
    assert reproject(room) == 0
    before = files(room.root)
    budget = room.root.parent / "budget.json"
    kept = budget.read_text()
    LabelBudget("room", "train", 0, "by hand", {"semantic": tuple(LABELLED[:3])}).write(budget)
    assert reproject(room) == 2
    assert "made otherwise (teacher_sha256, training_data, budget" in capsys.readouterr().err
    assert files(room.root) == before
    budget.write_text(kept)
    path = room.root / DESCRIPTION
    path.write_text(json.dumps(json.loads(path.read_text()) | {"teacher": "runs/teacher/last.ckpt"}))
    before = files(room.root)
    assert reproject(room, "--tolerance", "0.02") == 2
    assert files(room.root) == before


@pytest.mark.parametrize("of", ["f02", "f07"])
def test_a_corrected_pose_is_labelled_by_anew(room, of):
    """Of a frame that labels, or of one that is labelled."""
    right = room.read_pose(of)
    wrong = right.copy()
    wrong[0, 3] += 1.5
    np.savetxt(room.path("pose", of), wrong)
    assert reproject(room) == 0
    before = whole(room)
    np.savetxt(room.path("pose", of), right)
    assert reproject(room) == 0
    changed = {name for name, content in whole(room).items() if content != before[name]}
    assert changed == {"f07"} if of == "f07" else len(changed) > 1
    assert reproject(room, "--out", str(room.root.parent / "fresh")) == 0
    fresh = PseudoFolder(room.root.parent / "fresh")
    assert whole(room) == {name: fresh.path("semantic", name).read_bytes() for name in NAMES[6:]}


def test_a_pose_of_a_file_that_is_older_than_the_labels_is_labelled_by_too(room):
    """As ``mv slam pose`` leaves it."""
    assert reproject(room) == 0
    before, moved = whole(room), room.read_pose("f07")
    moved[:2, 3] += 0.3
    np.savetxt(room.path("pose", "f07"), moved)
    os.utime(room.path("pose", "f07"), (0, 0))
    assert reproject(room) == 0
    assert {name for name, content in whole(room).items() if content != before[name]} == {"f07"}


@pytest.mark.parametrize("kind", ["pose", "depth"])
def test_a_frame_that_lost_its_pose_or_depth_loses_its_label(room, capsys, kind):
    assert reproject(room) == 0
    room.path(kind, "f07").unlink()
    assert reproject(room) == 0
    assert set(whole(room)) == {*NAMES[6:]} - {"f07"}
    assert "1 of 6 labels removed" in capsys.readouterr().out


def test_a_frame_that_is_of_another_recording_now_is_labelled_by_that(room):
    path = room.root / "dataset.json"
    told = json.loads(path.read_text())
    one, two = NAMES[:3] + NAMES[6:8], NAMES[3:6] + NAMES[8:10]
    path.write_text(json.dumps(told | {"sequences": {"one": one, "two": two}}))
    assert reproject(room) == 0
    before = whole(room)
    path.write_text(json.dumps(told | {"sequences": {"one": [n for n in one if n != "f07"], "two": [*two, "f07"]}}))
    assert reproject(room) == 0
    assert {name for name, content in whole(room).items() if content != before[name]} == {"f07"}


def test_labels_of_another_split_are_not_vouched_for_by_views_that_did_not_make_them(room, capsys):
    path = room.root / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"splits": {"train": NAMES, "late": NAMES[3:9]}}))
    assert reproject(room) == 0
    before = files(room.root)
    late = ["reproject-labels", f"{room.root}:late", "--budget", str(room.root.parent / "budget.json")]
    assert main(late) == 2
    assert "holds labels of 3 more frames, f09 is one, that other views or options made" in capsys.readouterr().err
    assert files(room.root) == before
    (room.root / RECORD).unlink()  # As an earlier version left them.
    assert main(late) == 2 and "holds labels of 3 more frames" in capsys.readouterr().err
    assert main([*late, "--out", str(room.root.parent / "late")]) == 0


def test_a_pose_that_is_corrected_meanwhile_is_noticed_the_next_time(room, monkeypatch):
    right = room.read_pose("f02")
    wrong = right.copy()
    wrong[0, 3] += 1.5
    np.savetxt(room.path("pose", "f02"), wrong)
    read = labelling.read_labelled

    def read_then_corrected(*arguments):
        views = read(*arguments)
        np.savetxt(room.path("pose", "f02"), right)
        return views

    with monkeypatch.context() as patch:
        patch.setattr(labelling, "read_labelled", read_then_corrected)
        assert reproject(room) == 0
    assert reproject(room) == 0 and reproject(room, "--out", str(room.root.parent / "fresh")) == 0
    fresh = PseudoFolder(room.root.parent / "fresh")
    assert whole(room) == {name: fresh.path("semantic", name).read_bytes() for name in NAMES[6:]}


def test_a_damaged_record_is_said_in_a_line(room, capsys):
    assert reproject(room) == 0
    (room.root / RECORD).write_text("[")
    assert reproject(room) == 2
    error = capsys.readouterr().err
    assert f"{RECORD} is damaged" in error and "delete it" in error and error.count("\n") == 1
    (room.root / RECORD).unlink()
    assert reproject(room) == 0 and len(whole(room)) == 6


def test_a_frame_that_is_labelled_later_labels_too(tmp_path, capsys):
    """Most folders have no budget, and get more labels."""
    room, given = write_room(tmp_path / "room", labelled=3), write_room(tmp_path / "given")
    assert main(["reproject-labels", str(room.root)]) == 0
    reached = [(PseudoFolder(room.root).read_semantic(name) > 0).mean() for name in NAMES[6:]]
    for name in NAMES[3:6]:
        shutil.copy(given.path("semantic", name), room.root / "semantic")
    assert main(["reproject-labels", str(room.root)]) == 0
    assert "9 of 9 labels removed, as labelled frames, poses" in capsys.readouterr().out
    now = [(PseudoFolder(room.root).read_semantic(name) > 0).mean() for name in NAMES[6:]]
    assert np.mean(now) > np.mean(reached) + 0.1
