"""A teacher labels the frames that nobody has: ``python -m training pseudo-label``."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from full_disk import fill_after
from teaching import label, train

from mtl_perception.model_card import TrainingData
from training.__main__ import main
from training.checkpoint import load_checkpoint
from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import ALL_LABELS, LabelChoice
from training.datasets.pseudo_folder import PseudoFolder, PseudoInfo
from training.datasets.source import Source
from training.frame_prediction import NamedFrames, collate_named, mirrored, predict_maps
from training.pseudo_labels.measured_quality import measure


def test_frames_without_a_label_get_one_and_true_labels_stay(home, data, capsys):
    budget = LabelBudget.read(home / "budget.json")
    before = {p: p.read_bytes() for p in data.root.rglob("*") if p.is_file()}
    assert label(home, data, "--tau", "0.2", "--soft") == 0
    assert all(path.read_bytes() == content for path, content in before.items())
    pseudo = PseudoFolder(data.root)
    expected = {n for n in data.names("train") if data.has("depth", n) and not budget.keeps("semantic", n)}
    assert {p.stem for p in (data.root / "pseudo_semantic").iterdir()} == expected
    assert f"{len(expected)} frames labelled" in capsys.readouterr().out
    assert pseudo.info.learnt_within == pseudo.info.budgets == {"balls": budget.digest}
    name = min(expected)
    confidence, semantic = pseudo.read_whole("confidence", name), pseudo.read_semantic(name)
    assert semantic.shape == (48, 64) and set(np.unique(semantic)) <= {0, 1, 2, 3}
    np.testing.assert_array_equal(semantic > 0, confidence > 255 * 0.2)
    # Each file holds what the network says of this frame: the probabilities are those of the class written.
    soft = pseudo.read_soft_semantic(name)
    assert soft.shape == (12, 16, 3) and np.allclose(soft.astype(float).sum(-1), 1, atol=5e-3)


def test_the_report_measures_against_the_truth_the_budget_hides(home, data):
    assert label(home, data, "--tau", "0.2", "--out", str(data.root / "elsewhere")) == 0
    pseudo = PseudoFolder(data.root / "elsewhere")
    hidden = [p.stem for p in (pseudo.root / "pseudo_semantic").iterdir() if data.has("semantic", p.stem)]
    right = kept = pixels = 0
    for name in hidden:
        truth, guess = data.read_semantic(name), pseudo.read_semantic(name)
        kept += int(((guess > 0) & (truth > 0)).sum())
        right += int(((guess == truth) & (truth > 0)).sum())
        pixels += int((truth > 0).sum())
    report = json.loads(next(pseudo.root.rglob("report.json")).read_text())["semantic"]
    assert report["coverage"] == pytest.approx(kept / pixels)
    assert report["accuracy"] == pytest.approx(right / kept)


@pytest.mark.parametrize(("learnt_from", "measured"), [("balls", ["f01"]), ("kitchen", ["f00", "f01"])])
def test_what_the_teacher_learnt_from_tells_nothing_of_its_labels(folder, tmp_path, learnt_from, measured):
    """Both frames lack depth, so both are labelled; of f00 the teacher knows the classes."""
    budget = LabelBudget("balls", "train", 0, "by hand", {"semantic": ("f00",), "depth": ()})
    trained_on = (TrainingData(learnt_from, 8, "CC0-1.0"),)
    info = PseudoInfo("balls", "t", "0" * 64, trained_on, ("semantic", "depth"), 0.9, 0.05, 64, 48, 3, 1000.0, False)
    out = PseudoFolder.create(tmp_path, info)
    sure = np.full((48, 64), 255, np.uint8)
    for name in ("f00", "f01"):
        maps = {
            "semantic": np.ones_like(sure),
            "confidence": sure,
            "depth": np.ones((48, 64)),
            "depth_confidence": sure,
        }
        for kind, array in maps.items():
            out.write(kind, name, array)
    semantic, depth, _ = measure(Source(folder, ["f00", "f01"]), LabelChoice(budget), out)
    pixels = sum(int((folder.read_semantic(name) > 0).sum()) for name in measured)
    assert semantic.compute()["labelled_pixels"] == pixels
    known = sum(int((folder.read_depth(name) > 0).sum()) for name in ("f00", "f01"))
    assert depth.compute()["known_pixels"] == known > 0


def test_an_interrupted_run_goes_on_where_it_was(home, data, monkeypatch):
    write, written = PseudoFolder.write, []

    def full(self, kind, name, array):
        written.append((kind, name))
        if len(written) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, kind, name, array)

    monkeypatch.setattr(PseudoFolder, "write", full)
    assert label(home, data, "--batch-size", "1") == 2
    monkeypatch.setattr(PseudoFolder, "write", lambda *a: written.append(a[1:3]) or write(*a))
    done = {name for kind, name in written[:4] if kind == "semantic"}
    written.clear()
    assert label(home, data, "--batch-size", "1") == 0
    assert done and not done & {name for _, name in written}


def test_a_full_disk_is_said_in_one_line_and_loses_nothing(home, data, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    fill_after(5, monkeypatch)
    assert label(home, data, "--batch-size", "1", "--out", str(out)) == 2
    monkeypatch.undo()
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(f"error: cannot write {out}/") and ".png: the disk is full" in error
    assert "what is written is whole, and the same command goes on" in error
    assert not list(out.rglob("*.part"))
    assert label(home, data, "--out", str(out)) == 0
    assert label(home, data, "--out", str(tmp_path / "whole")) == 0
    kept, whole = ({p.name: p.read_bytes() for p in f.glob("pseudo_semantic/*")} for f in (out, tmp_path / "whole"))
    assert kept == whole


def test_several_scales_are_averaged_with_their_mirror_images(home, data, tmp_path, capsys):
    """Probabilities at the scales 1 and 2 are the mean of four runs of the network, whatever the batch."""
    out = tmp_path / "averaged"
    assert label(home, data, "--soft", "--scales", "1", "2", "--out", str(out), "--batch-size", "3") == 0
    pseudo = PseudoFolder(out)
    trained = load_checkpoint(home / "runs" / "teacher" / "last.ckpt")
    name = min(p.stem for p in (out / "soft_semantic").iterdir())
    choice = LabelChoice(LabelBudget.read(home / "budget.json"))
    _, batch = collate_named([NamedFrames(trained, Source(data, [name]), choice)[0]])
    twice = {
        "image": F.interpolate(batch["image"], scale_factor=2, mode="bilinear"),
        # A zoom is a longer lens: canonical depth is half.
        "depth": F.interpolate(batch["depth"][:, None], scale_factor=2, mode="nearest")[:, 0] / 2,
    }
    with torch.inference_mode():
        views = [
            predict_maps(trained, view, (16, 16)).probabilities.flip(-1 if flipped else ())
            for inputs in (batch, twice)
            for flipped, view in ((False, inputs), (True, mirrored(inputs)))
        ]
    # The frame is wider than the square that the teacher sees.
    expected = sum(F.interpolate(v, (16, 16), mode="bilinear") for v in views)[0, :, 2:14].permute(1, 2, 0) / 4
    np.testing.assert_allclose(pseudo.read_soft_semantic(name), expected, atol=1e-3)
    # The class and its confidence are those of the mean too: other scales would be other labels.
    capsys.readouterr()
    assert label(home, data, "--soft", "--out", str(out)) == 2
    assert "scales differ" in capsys.readouterr().err
    assert label(home, data, "--scales", "9") == 2


@pytest.mark.timeout(300)
def test_two_processes_write_what_one_writes(home, data, tmp_path):
    """In a process of its own, as the second is started with the command line of the first."""
    assert label(home, data, "--out", str(tmp_path / "1")) == 0
    teacher = home / "runs" / "teacher" / "last.ckpt"
    command = [sys.executable, "-m", "training", "pseudo-label", str(teacher), f"{data.root}:train", "--devices", "2"]
    command += ["--budget", str(home / "budget.json"), "--out", str(tmp_path / "2")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("frames labelled in") == 1
    one, two = PseudoFolder(tmp_path / "1"), PseudoFolder(tmp_path / "2")
    names = {p.stem for p in (one.root / "pseudo_semantic").iterdir()}
    assert names == {p.stem for p in (two.root / "pseudo_semantic").iterdir()}
    # Interrupted when less than a frame for each was left.
    for path in two.root.glob(f"*/{min(names)}.*"):
        path.unlink()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in names:
        np.testing.assert_array_equal(one.read_semantic(name), two.read_semantic(name))


def test_depth_is_labelled_where_a_mirror_agrees(home, folder, data):
    train(home, folder, "rgb")
    out = data.root / "depth_labels"
    teacher = home / "runs" / "rgb" / "last.ckpt"
    arguments = ["--tasks", "depth", "--agreement", "0.02", "--out", str(out)]
    assert main(["pseudo-label", str(teacher), f"{data.root}:train", *arguments]) == 0
    pseudo = PseudoFolder(out)
    expected = {n for n in data.names("train") if not data.has("depth", n)}
    assert {p.stem for p in (out / "pseudo_depth").iterdir()} == expected
    assert "![](depth_examples.png)" in (out / "report" / "report.md").read_text()
    name = min(expected)
    depth, whole = pseudo.read_depth(name), pseudo.read_whole("depth", name)
    assert ((depth == 0) | (depth == whole)).all()
    trained = load_checkpoint(teacher)
    _, batch = collate_named([NamedFrames(trained, Source(data, [name]), ALL_LABELS)[0]])
    with torch.inference_mode():
        seen, in_mirror = (predict_maps(trained, b, (48, 64)).depth for b in (batch, mirrored(batch)))
    canonical = (seen + in_mirror.flip(-1))[0].numpy() / 2
    # The folder's camera has 52.5 pixels of focal length where the canonical one has 50.
    np.testing.assert_allclose(whole, canonical * 52.5 / 50, atol=1e-3)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--tasks", "depth"], "/last.ckpt looks at depth: it cannot label frames that have none"),
        (["--tau", "1.5"], "are shares: 0 to 1"),
        (["--budget", "nowhere.json"], "cannot read the label budget nowhere.json"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(home, data, capsys, more, complaint):
    assert label(home, data, *more) == 2
    assert complaint in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (data.root / "pseudo_labels.json").exists()


def test_frames_without_what_the_teacher_looks_at_are_not_labelled(home, data, capsys):
    shutil.rmtree(data.root / "depth")
    recordings = data.root.rename(data.root.parent / "recordings")
    teacher = home / "runs" / "teacher" / "last.ckpt"
    assert main(["pseudo-label", str(teacher), f"{recordings}:train"]) == 2
    assert "none of the 2 frames without a label has depth for the teacher to look at" in capsys.readouterr().err


def test_a_budget_of_what_is_not_there_is_refused(home, data, capsys, tmp_path):
    kept = LabelBudget.read(home / "budget.json")
    for dataset, more, complaint in (
        ("balls", {"semantic": (*kept.labels["semantic"], "f99")}, "semantic lists frame f99, which "),
        ("balls", {"semantic": ("f03",)}, "semantic lists frame f03, which has no "),
        ("cubes", {}, "the budget is for the data set 'cubes', not 'balls'"),
    ):
        path = tmp_path / "other.json"
        LabelBudget(dataset, "train", 0, "by hand", {**kept.labels, **more}).write(path)
        assert label(home, data, "--budget", str(path)) == 2
        assert f"error: label budget {path}: {complaint}" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (data.root / "pseudo_labels.json").exists()


def test_a_true_class_that_nobody_named_is_said_with_its_file(home, data, capsys):
    budget = LabelBudget.read(home / "budget.json")
    name = next(n for n in budget.labels["depth"] if data.has("semantic", n) and not budget.keeps("semantic", n))
    cv2.imwrite(str(data.path("semantic", name)), np.full((48, 64), 7, np.uint8))
    assert label(home, data) == 2
    complaint = f"error: {data.path('semantic', name)} holds class id 7, which dataset.json does not name"
    assert capsys.readouterr().err.strip().splitlines()[-1] == complaint


def test_depth_that_is_unknown_everywhere_is_nothing_to_label_by(home, data, capsys):
    for path in (data.root / "depth").iterdir():
        cv2.imwrite(str(path), np.zeros((48, 64), np.uint16))
    assert label(home, data) == 2
    error = capsys.readouterr().err.strip()
    assert "the teacher looks at depth, and it is 0, which is unknown, all over the" in error
    assert len(error.splitlines()) == 1 and not (data.root / "pseudo_labels.json").exists()


def test_the_data_set_has_its_name_also_from_within(home, data, monkeypatch):
    """Else training would take the labels for those of another data set, and leave them out."""
    teacher, budget = home / "runs" / "teacher" / "last.ckpt", home / "budget.json"
    monkeypatch.chdir(data.root)
    assert main(["pseudo-label", str(teacher), ".:train", "--budget", str(budget), "--out", "labels"]) == 0
    assert PseudoFolder(data.root / "labels").info.dataset == "balls"


def test_a_folder_that_cannot_be_written_to_is_named(home, data, capsys):
    (data.root / "file").write_text("")
    assert label(home, data, "--out", str(data.root / "file" / "labels")) == 2
    assert "file/labels: Not a directory; name another folder to write to" in capsys.readouterr().err


def test_frames_of_other_classes_are_not_labelled(home, data, capsys):
    description = data.root / "dataset.json"
    description.write_text(description.read_text().replace('"floor"', '"ceiling"'))
    assert label(home, data) == 2
    assert "class 2 is 'floor' to the network and 'ceiling' in" in capsys.readouterr().err


def test_a_teacher_labels_within_the_budget_it_was_trained_on_only(home, data, capsys, tmp_path):
    """Under any other budget it may have learnt the very labels that its quality is measured against."""
    teacher = str(home / "runs" / "teacher" / "last.ckpt")
    kept = LabelBudget.read(home / "budget.json")
    scarcer = {**kept.labels, "semantic": kept.labels["semantic"][:1]}
    LabelBudget("balls", "train", 0, "by hand", scarcer).write(tmp_path / "other.json")
    for more, complaint in (
        (["--budget", str(tmp_path / "other.json")], "on a label budget of 'balls', other than the one given"),
        ([], "on a label budget of 'balls', and none is given"),
    ):
        assert main(["pseudo-label", teacher, f"{data.root}:train", *more]) == 2
        assert complaint in capsys.readouterr().err
    assert not (data.root / "pseudo_labels.json").exists()
