"""Labelled frames of a folder label the others: ``python -m training reproject-labels``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from carried_labels import LABELLED, NAMES, files, reproject, whole
from logged_folder import entry, header, write_index
from room_views import CLASSES, pose, write_room
from teaching import train
from tiny_study import tiny_study

from mtl_perception.dataset_folder import DatasetFolder
from training.__main__ import main
from training.checkpoint import load_checkpoint
from training.datasets.label_budget import LabelBudget
from training.datasets.pseudo_folder import PseudoFolder
from training.errors import ConfigurationError
from training.reproduce.runner import StudyRunner
from training.reprojection.record import RECORD


def test_frames_without_a_label_get_one_and_true_labels_stay(room, capsys):
    before = files(room.root)
    assert reproject(room) == 0
    assert all(path.read_bytes() == content for path, content in before.items())
    labels = PseudoFolder(room.root)
    assert {p.stem for p in (room.root / "pseudo_semantic").iterdir()} == set(NAMES) - set(LABELLED)
    for name in NAMES[6:]:
        found, truth = labels.read_semantic(name), room.read_semantic(name)
        assert (found > 0).mean() > 0.6 and (found == truth)[found > 0].mean() > 0.97
    said = capsys.readouterr().out
    shares = re.search(r"6 labelled frames, .*: (\d+) % of the pixels reached, (\d+) % of these right", said)
    assert int(shares[1]) > 60 and int(shares[2]) > 95 and "6 frames labelled" in said


def test_the_report_measures_against_the_truth_the_budget_hides(room):
    assert reproject(room, "--out", str(room.root.parent / "labels")) == 0
    labels = PseudoFolder(room.root.parent / "labels")
    found, truth = (np.stack([read(name) for name in NAMES[6:]]) for read in (labels.read_semantic, room.read_semantic))
    report = json.loads((labels.root / "report" / "report.json").read_text())["semantic"]
    assert report["coverage"] == pytest.approx((found > 0).mean())
    assert report["accuracy"] == pytest.approx((found == truth)[found > 0].mean())
    assert report["accuracy_all"] == pytest.approx((labels_whole(labels) == truth).mean())
    assert set(report["per_class"]) == set(CLASSES.values())
    assert (labels.root / "report" / "semantic_examples.png").exists()


def labels_whole(labels: PseudoFolder) -> np.ndarray:
    return np.stack([labels.read_whole("semantic", name) for name in NAMES[6:]])


def test_where_nothing_was_reached_that_is_said(tmp_path, capsys):
    """The labelled frame looks at a wall that no other sees."""
    room = write_room(tmp_path / "room", labelled=1)
    np.savetxt(room.path("pose", "f00"), pose(2.5, 40.0, 0.0))
    assert main(["reproject-labels", str(room.root)]) == 0
    said = capsys.readouterr().out
    assert "one labelled frame a recording: nothing tells" in said
    assert "11 frames labelled" in said and "0 % of their pixels" in said


def test_a_network_learns_them_within_their_budget_only(room, tmp_path, capsys):
    assert reproject(room, "--out", str(tmp_path / "labels")) == 0
    learn = ("--data.pseudo_labels", str(tmp_path / "labels"))
    train(tmp_path, room, "student", *learn, "--data.budget", str(tmp_path / "budget.json"))
    trained = load_checkpoint(tmp_path / "runs" / "student" / "last.ckpt")
    assert trained.budgets == {"room": LabelBudget.read(tmp_path / "budget.json").digest}
    assert [(data.name, data.frames) for data in trained.training_data] == [("room", 12)]
    with pytest.raises(Exception, match="their labels would be mixed"):
        train(tmp_path, room, "other", *learn)


def test_poses_that_are_wrong_show_in_how_the_labelled_frames_agree(room, capsys):
    assert reproject(room) == 0
    for name in LABELLED[::2]:
        moved = room.read_pose(name)
        moved[:2, 3] += 1.5
        np.savetxt(room.path("pose", name), moved)
    assert reproject(room, "--out", str(room.root.parent / "moved")) == 0
    reached = [int(share) for share in re.findall(r"(\d+) % of the pixels reached", capsys.readouterr().out)]
    assert reached[1] < reached[0] - 15


@pytest.mark.parametrize(("more", "labelled"), [([], NAMES[6:8]), (["--one-map"], NAMES[6:])])
def test_labels_stay_within_a_run_of_the_logger_unless_runs_share_a_map(room, capsys, more, labelled):
    runs = {"rover-20260101T000000-0000": NAMES[:8], "rover-20260102T000000-0000": NAMES[9:]}  # One is of none.
    for run, names in runs.items():
        write_index(room.root, run, [header(run), *(entry(name, i) for i, name in enumerate(names))])
    assert reproject(room, *more) == 0
    assert sorted(p.stem for p in (room.root / "pseudo_semantic").iterdir()) == labelled
    assert ("4 are of recordings without a labelled frame" in capsys.readouterr().out) == (not more)


def test_labels_stay_within_a_sequence(room, capsys):
    path = room.root / "dataset.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"sequences": {"one": NAMES[:3] + NAMES[6:8], "two": NAMES[3:6] + NAMES[8:10]}}))
    assert reproject(room) == 0
    assert sorted(whole(room)) == NAMES[6:10]
    one = np.stack([PseudoFolder(room.root).read_semantic(name) for name in NAMES[6:8]])
    path.write_text(json.dumps(told))
    assert reproject(room) == 0
    both = np.stack([PseudoFolder(room.root).read_semantic(name) for name in NAMES[6:8]])
    assert (both > 0).mean() > (one > 0).mean() + 0.05
    path.write_text(json.dumps(told | {"sequences": {"one": LABELLED, "two": NAMES[6:]}}))
    assert reproject(room) == 2
    assert "6 frames without classes are of other recordings than the 6 with" in capsys.readouterr().err


def without(room: DatasetFolder, kind: str) -> None:
    for path in (room.root / kind).iterdir():
        path.unlink()


def unknown_camera(room: DatasetFolder) -> None:
    path = room.root / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"intrinsics": None}))


def unnamed_class(room: DatasetFolder) -> None:
    path = room.root / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"classes": {"1": "wall", "2": "floor"}}))


def posed(matrix: Callable[[np.ndarray], np.ndarray]) -> Callable[[DatasetFolder], None]:
    return lambda room: np.savetxt(room.path("pose", "f02"), matrix(room.read_pose("f02")))


@pytest.mark.parametrize(
    ("spoil", "more", "complaint"),
    [
        (unknown_camera, [], "does not tell its camera: put intrinsics into its dataset.json"),
        (lambda room: without(room, "pose"), [], "12 have depth, 0 a pose and 6 classes within the budget"),
        (lambda room: without(room, "depth"), [], "0 have depth, 12 a pose and 6 classes within the budget"),
        (unnamed_class, [], "class id 3"),
        (posed(lambda m: m * [[1], [2], [1], [1]]), [], "f02.txt is not rigid"),
        (posed(lambda m: m * [[1], [-1], [1], [1]]), [], "f02.txt is not rigid"),
        (posed(np.transpose), [], "f02.txt is not rigid.* row by row"),
        (lambda room: None, ["--tau", "1"], "tau 1.0 is a share of votes"),
        (lambda room: None, ["--tolerance", "0"], "tolerance 0.0 is a share of a distance"),
        (lambda room: None, ["--out", "/dev/null/labels"], "cannot write to /dev/null/labels: Not a directory; name"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(room, capsys, spoil, more, complaint):
    spoil(room)
    before = files(room.root)
    assert reproject(room, *more) == 2
    error = capsys.readouterr().err
    assert re.search(complaint, error) and error.count("\n") == 1
    assert files(room.root) == before


def test_all_or_nothing_labelled_leaves_nothing_to_do(room, capsys):
    assert main(["reproject-labels", f"{room.root}:train"]) == 2
    assert "of 12 frames 12 have depth, 12 a pose and 12 classes; needed are" in capsys.readouterr().err
    without(room, "semantic")
    assert main(["reproject-labels", f"{room.root}:train"]) == 2
    assert "of 12 frames 12 have depth, 12 a pose and 0 classes; needed are" in capsys.readouterr().err


def test_a_row_of_a_study_learns_them(room, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    splits = {"train": NAMES[:8], "val": NAMES[8:10], "choose": NAMES[10:]}
    path = room.root / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"splits": splits}))
    data = {"dataset": "room", "report": "room:val", "choose": "room:choose"}
    study = tiny_study(tmp_path, **data, steps=[1], rows=["ummt_reprojected"])
    assert main(["reproduce", "tiny.yaml", "--root", str(tmp_path), "--accelerator", "cpu"]) == 0
    runner = StudyRunner(study, str(tmp_path))
    (run,) = runner.runs()
    labels = PseudoFolder(runner.pseudo_folder(run))
    budget = LabelBudget.read(runner.home / "depth4-semantic2" / "budget-budget-seed0.json")
    assert {p.stem for p in (labels.root / "pseudo_semantic").iterdir()} == set(budget.frames("depth")) - set(
        budget.frames("semantic")
    )
    assert load_checkpoint(runner.checkpoint(run)).budgets == {"room": budget.digest}
    # A run that learnt them is none of a row that does not.
    changed = replace(study, rows=(replace(run.row, reprojected=False),))
    with pytest.raises(ConfigurationError, match="give the changed study another name"):
        StudyRunner(changed, str(tmp_path)).results()
    # Where poses are corrected, or labels mended, nothing of before is gone on with.
    name = next(n for n in budget.frames("depth") if not budget.keeps("semantic", n))
    kept, moved = room.path("pose", name).read_bytes(), room.read_pose(name)
    moved[0, 3] += 1.0
    np.savetxt(room.path("pose", name), moved)
    for begun in (StudyRunner(study, str(tmp_path)).results, StudyRunner(study, str(tmp_path)).run_all):
        with pytest.raises(ConfigurationError, match="was written before poses, depth or labels of room:train were"):
            begun()
    record = labels.root / RECORD
    record.rename(labels.root / "aside")  # As an earlier version left them: nothing is known, and the results stand.
    assert StudyRunner(study, str(tmp_path)).results()
    (labels.root / "aside").rename(record)
    room.path("pose", name).write_bytes(kept)
    assert StudyRunner(study, str(tmp_path)).results()
    # Where it cannot be, nothing is trained before that is found out.
    monkeypatch.setattr("training.fit.main", lambda argv: pytest.fail("it trained"))
    without(room, "pose")
    with pytest.raises(ConfigurationError, match="4 have depth, 0 a pose and 2 classes within the budget"):
        StudyRunner(tiny_study(tmp_path, **data, steps=[2], rows=["umst_s", "ummt_reprojected"]), ".").run_all()
