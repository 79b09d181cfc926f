"""Several teachers label together."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from teaching import label, train

from mtl_perception.model_card import TrainingData
from training.__main__ import main
from training.checkpoint import load_checkpoint
from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import LabelChoice
from training.datasets.pseudo_folder import PseudoFolder
from training.datasets.source import Source
from training.frame_prediction import NamedFrames, collate_named, predict_maps
from training.pseudo_labels.teachers import Teachers


@pytest.fixture(scope="module")
def colour(home, folder):
    """A network of the teacher's budget that looks at colour only and tells classes only."""
    more = ["--model.tasks", "[semantic]", "--model.learning_rate", "0.05"]
    train(home, folder, "colour", "--data.budget", "budget.json", *more)
    return home / "runs" / "colour" / "last.ckpt"


def together(home, data, *more: str) -> int:
    return main(["pseudo-label", *more[:2], f"{data.root}:train", "--budget", str(home / "budget.json"), *more[2:]])


def test_several_teachers_label_by_their_mean(home, colour, data, tmp_path, capsys):
    """One that looks at depth and one that does not; the order is told, and is no matter to the labels."""
    teacher, out = home / "runs" / "teacher" / "last.ckpt", tmp_path / "together"
    assert together(home, data, str(colour), str(teacher), "--soft", "--out", str(out)) == 0
    pseudo, budget = PseudoFolder(out), LabelBudget.read(home / "budget.json")
    labelled = {p.stem for p in (out / "soft_semantic").iterdir()}
    # What the second looks at must be there, too.
    assert labelled == {n for n in data.names("train") if data.has("depth", n) and not budget.keeps("semantic", n)}
    name = min(labelled)
    networks = [load_checkpoint(path) for path in (teacher, colour)]
    _, batch = collate_named([NamedFrames(networks[0], Source(data, [name]), LabelChoice(budget))[0]])
    with torch.inference_mode():
        one, other = (predict_maps(network, batch, (48, 64)).probabilities[0] for network in networks)
    assert (one - other).abs().max() > 0.05
    mean = (one + other) / 2
    np.testing.assert_allclose(pseudo.read_soft_semantic(name), mean.permute(1, 2, 0), atol=1e-3)
    written = F.interpolate(mean[None], (48, 64), mode="bilinear")[0]
    sure = (written.sort(0).values.diff(dim=0)[-1] > 0.01).numpy()
    np.testing.assert_array_equal(pseudo.read_whole("semantic", name)[sure], (written.argmax(0) + 1).numpy()[sure])
    np.testing.assert_allclose(pseudo.read_whole("confidence", name), 255 * written.max(0).values, atol=1.5)
    assert pseudo.info.teacher == f"{colour}, {teacher}" and pseudo.info.learnt_within == {"balls": budget.digest}
    capsys.readouterr()
    assert label(home, data, "--soft", "--out", str(out)) == 2
    assert "(teacher_sha256 differ)" in capsys.readouterr().err, "labels of others would be mixed in"


def test_teachers_that_cannot_label_together_are_named(home, colour, folder, data, tmp_path, capsys):
    teacher = home / "runs" / "teacher" / "last.ckpt"
    train(home, folder, "large", "--data.budget", "budget.json", "--data.height", "96", "--data.width", "96")
    train(home, folder, "knows")
    large, knows = (home / "runs" / name / "last.ckpt" for name in ("large", "knows"))
    shutil.copy(teacher, tmp_path / "copy.ckpt")
    for second, more, complaint in (
        (
            large,
            (),
            f"{large} cannot label together with {teacher}: its height is 96, not 64; train both with the same",
        ),
        (knows, (), f"{knows} was trained on all labels of 'balls', other than the one given"),
        (tmp_path / "copy.ckpt", (), "are the same network: give each once"),
        (colour, ("--tasks", "semantic", "normals"), "several teachers label semantic only"),
    ):
        assert together(home, data, str(teacher), str(second), *more) == 2
        assert complaint in capsys.readouterr().err
    assert not (data.root / "pseudo_labels.json").exists()


def test_who_learns_from_several_teachers_is_bound_by_what_all_learnt_from(home):
    one = load_checkpoint(home / "runs" / "teacher" / "last.ckpt")
    known = {"training_data": (TrainingData("balls", 5, "CC0-1.0"), TrainingData("logs", 9, "MIT"))}
    other = replace(one, **known, budgets={"balls": "other", "logs": "x"})

    def as_one(*networks):
        return Teachers((), networks, "").as_one()

    both = as_one(one, other)
    assert {data.name: data.licence for data in both.training_data} == {"balls": "CC0-1.0", "logs": "MIT"}
    assert both.budgets == {"logs": "x"}, "of balls they saw other labels"
    assert as_one(one, replace(other, budgets=None)).budgets is None, "one of them does not tell"
    assert as_one(one) is one
