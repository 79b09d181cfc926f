"""What learns from pseudo-labels, and what may not."""

from __future__ import annotations

import json
import shutil

from teaching import label, train

from training.__main__ import main
from training.checkpoint import load_checkpoint


def test_a_student_learns_from_true_and_pseudo_labels_together(home, folder, data):
    out = data.root / "labels"
    assert label(home, data, "--tau", "0.1", "--soft", "--out", str(out)) == 0
    for name, soft in (("hard", "false"), ("soft", "true")):
        train(home, folder, name, "--data.budget", "budget.json", "--data.pseudo_labels", str(out), "--data.soft", soft)
        assert load_checkpoint(home / "runs" / name / "last.ckpt").why_not_deployable() is None


def test_probabilities_that_were_not_written_cannot_be_learnt(home, data, folder, capsys):
    assert label(home, data, "--out", str(data.root / "hard")) == 0
    arguments = ["fit", "--data.train", f"[{folder.root}:train]", "--data.pseudo_labels", str(data.root / "hard")]
    arguments += ["--data.budget", str(home / "budget.json")]
    assert main([*arguments, "--data.soft", "true", "--data.batch_size", "2", "--name", "no"]) == 2
    assert "hard holds no probabilities; `pseudo-label --soft` writes them" in capsys.readouterr().err


def test_recordings_that_name_no_classes_get_the_teachers(home, data, folder):
    """What a depth camera records for nothing, beside a data set that somebody labelled."""
    description = data.root / "dataset.json"
    description.write_text(json.dumps({**json.loads(description.read_text()), "classes": {}}))
    shutil.rmtree(data.root / "semantic")
    recordings = data.root.rename(data.root.parent / "recordings")
    out = home / "of_recordings"
    teacher = home / "runs" / "teacher" / "last.ckpt"
    assert main(["pseudo-label", str(teacher), f"{recordings}:train", "--tau", "0.2", "--out", str(out)]) == 0
    sources = f"[{folder.root}:train, {recordings}:train]"
    train(home, folder, "both", "--data.train", sources, "--data.pseudo_labels", str(out), "--data.batch_size", "8")
    trained = load_checkpoint(home / "runs" / "both" / "last.ckpt")
    assert {data.name: data.frames for data in trained.training_data} == {"balls": 8, "recordings": 6}


def test_pseudo_labels_of_another_data_set_are_refused(home, data, folder, capsys, tmp_path):
    out = data.root / "labels"
    assert label(home, data, "--out", str(out)) == 0
    description = out / "pseudo_labels.json"
    description.write_text(description.read_text().replace('"balls"', '"cubes"'))
    arguments = ["fit", "--data.train", f"[{folder.root}:train]", "--data.pseudo_labels", str(out), "--name", "no"]
    assert main(arguments) == 2
    assert "is for the data set 'cubes', training is on: balls" in capsys.readouterr().err


def test_a_student_learns_within_the_budget_of_its_teacher_only(home, data, folder, capsys):
    assert label(home, data, "--out", str(data.root / "labels")) == 0
    arguments = ["fit", "--data.train", f"[{folder.root}:train]", "--data.pseudo_labels", str(data.root / "labels")]
    assert main([*arguments, "--name", "no"]) == 2
    assert "was written by a teacher of another label budget, this training's is none" in capsys.readouterr().err
