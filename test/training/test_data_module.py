"""What a training run sees of the data: labels within the budget, and teachers' labels."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from ball_folder import CLASSES, write_folder

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.model_card import TrainingData
from training.datasets.data_module import FolderData
from training.datasets.label_budget import LabelBudget
from training.datasets.pseudo_folder import DESCRIPTION, PseudoFolder, PseudoInfo
from training.errors import ConfigurationError
from training.first_weights import FirstWeights

SIZE = {"height": 32, "width": 64, "focal_length": 50.0, "workers": 0}
BUDGET = {"depth": ("f00", "f01", "f03", "f04", "f06"), "semantic": ("f00", "f01", "f04")}


@pytest.fixture
def data(folder, tmp_path):
    """A copy of the data set, to change."""
    shutil.copytree(folder.root, tmp_path / "balls")
    return DatasetFolder(tmp_path / "balls")


def batches(folder, budget, **settings) -> list[dict[str, torch.Tensor]]:
    """What training and the measurement on held-out frames see."""
    torch.manual_seed(0)
    data = FolderData([f"{folder.root}:train"], budget=str(budget), batch_size=1, hold_out=2, **SIZE, **settings)
    data.setup("fit")
    return [*data.train_dataloader(), *data.val_dataloader()]


@pytest.mark.parametrize(("require", "frames"), [(None, 5), (["semantic"], 3), (["semantic", "depth"], 3)])
def test_a_label_that_the_budget_hides_might_as_well_not_be_there(data, tmp_path, require, frames):
    budget = LabelBudget("balls", "train", 0, "by hand", BUDGET)
    budget.write(tmp_path / "budget.json")
    hidden = batches(data, tmp_path / "budget.json", require=require)
    for kind in BUDGET:
        for name in data.names("train"):
            if not budget.keeps(kind, name):
                data.path(kind, name).unlink(missing_ok=True)
    absent = batches(data, tmp_path / "budget.json", require=require)
    assert len(hidden) == len(absent) == frames
    for one, other in zip(hidden, absent, strict=True):
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_a_frame_with_nothing_but_what_is_looked_at_is_not_trained_on(folder, tmp_path):
    """Its loss is zero: steps would be spent on nothing."""
    LabelBudget("balls", "train", 0, "by hand", BUDGET).write(tmp_path / "budget.json")
    data = FolderData(
        [f"{folder.root}:train"], budget=str(tmp_path / "budget.json"), learnt=["semantic"], **SIZE, batch_size=1
    )
    assert data.train_sources[0].names == [*BUDGET["semantic"]]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"require": ["semantics"]}, "cannot require 'semantics' of a frame; labels are: depth, semantic"),
        ({"batch_size": 9}, "8 frames to train on do not fill a batch of 9: choose a smaller batch_size"),
        ({"batch_size": 8, "hold_out": 1}, "7 frames to train on do not fill a batch of 8"),
        ({"mix": 1.5}, "mix 1.5: a share, 0 to 1, of the frames of a batch of two or more"),
        ({"keep": 0.5}, "keep 0.5: a share, above 0 to 1, of pseudo_labels that are not soft"),
        ({"tau": 0.5}, "tau 0.5: a softmax, 0 to below 0.998"),
        ({"soft": True}, "soft: without pseudo_labels there are no probabilities; `pseudo-label --soft` writes them"),
    ],
)
def test_settings_that_leave_nothing_to_train_on_are_refused(folder, settings, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        FolderData([f"{folder.root}:train"], **{"batch_size": 2, **SIZE, **settings})


def test_labels_of_two_tasks_that_never_meet_are_said(folder, tmp_path):
    LabelBudget("balls", "train", 0, "by hand", {"depth": ("f00",), "semantic": ("f01",)}).write(tmp_path / "b.json")
    settings = {"budget": str(tmp_path / "b.json"), "batch_size": 1, **SIZE}
    assert len(FolderData([f"{folder.root}:train"], **settings).train_sources[0].names) == 2
    with pytest.raises(ConfigurationError, match="no frame of balls to train on has semantic and depth"):
        FolderData([f"{folder.root}:train"], require=["semantic", "depth"], **settings)


def test_balanced_frames_with_all_true_labels_are_half_of_what_is_seen(folder, tmp_path):
    LabelBudget("balls", "train", 0, "by hand", {**BUDGET, "semantic": ("f00",)}).write(tmp_path / "budget.json")

    def share(**settings) -> float:
        torch.manual_seed(0)
        data = FolderData(
            [f"{folder.root}:train"], budget=str(tmp_path / "budget.json"), batch_size=1, **SIZE, **settings
        )
        data.setup("fit")
        seen = [
            (batch["semantic"] != 255).any().item() if "semantic" in batch else False
            for _ in range(20)
            for batch in data.train_dataloader()
        ]
        return sum(seen) / len(seen)

    assert share() == 0.2
    assert share(balanced=True) == pytest.approx(0.5, abs=0.15)


def test_held_out_frames_are_trained_on_nowhere(folder, tmp_path):
    """Though the folder is listed twice, to weigh more, or under another name of it."""
    (tmp_path / "link").symlink_to(folder.root)
    sources = [f"{folder.root}:train", f"{tmp_path}/link:train", f"{folder.root}:val"]
    data = FolderData(sources, batch_size=2, hold_out=3, **SIZE)
    held = data.validation_source.names
    assert len(held) == 3
    rest = [name for name in folder.names("train") if name not in held]
    others = folder.names("val")[:-1]  # The last has no label.
    assert [source.names for source in data.train_sources] == [rest, rest, others]


def test_what_is_held_out_has_all_labels(data):
    """Else no checkpoint would be better than the first."""
    for name in data.names("train")[::4]:
        data.path("semantic", name).unlink()
    with pytest.raises(ConfigurationError, match="none of the 2 frames of balls held out has semantic: hold out more"):
        FolderData([f"{data.root}:train"], batch_size=2, hold_out=2, **SIZE)


def test_a_name_is_one_data_set(folder, data):
    with pytest.raises(ConfigurationError, match="are two data sets of one name: rename one folder"):
        FolderData([f"{folder.root}:train", f"{data.root}:val"], batch_size=2, **SIZE)


def labelled_logs(home, **told) -> PseudoFolder:
    """Logged frames without classes, ``home/logs``, and what a teacher trained on ``balls`` says of one of them."""
    logs = write_folder(home / "logs")
    shutil.rmtree(logs.root / "semantic")
    info = {
        **{"dataset": "logs", "teacher": "t.ckpt", "teacher_sha256": "0" * 64, "tasks": ("semantic",), "tau": 0.9},
        **{"agreement": 0.05, "width": 64, "height": 48, "classes": len(CLASSES), "depth_per_metre": 1000.0},
        **{"training_data": (TrainingData("balls", 5, "CC0-1.0"),), "soft": False},
    }
    pseudo = PseudoFolder.create(home / "labels", PseudoInfo(**{**info, **told}))
    pseudo.write("semantic", "f02", np.full((48, 64), 2, np.uint8))
    pseudo.write("confidence", "f02", np.full((48, 64), 255, np.uint8))
    return pseudo


WITHIN = LabelBudget("balls", "train", 0, "by hand", BUDGET)
OTHER = {"balls": "1" * 64}


def student(folder, home) -> FolderData:
    """Data of a student of ``balls`` within its budget, and of what a teacher says of the logs."""
    WITHIN.write(home / "budget.json")
    sources, labels = [f"{folder.root}:train", f"{home / 'logs'}:train"], str(home / "labels")
    return FolderData(sources, budget=str(home / "budget.json"), pseudo_labels=labels, batch_size=2, **SIZE)


@pytest.mark.parametrize(
    "told",
    [
        {"budgets": {"balls": WITHIN.digest}},
        {"budgets": OTHER, "training_data": (TrainingData("kitchen", 7, "MIT"),)},
    ],
)
def test_a_teacher_that_knows_no_hidden_labels_may_label_another_folder(folder, tmp_path, told):
    labelled_logs(tmp_path, **told)
    data = student(folder, tmp_path)
    assert "f02" in data.train_sources[1].names
    data.setup("fit")
    (frame,) = (f for n, f in zip(data._train[1].names, data._train[1].frames, strict=True) if n == "f02")
    assert (frame.semantic == 2).all()
    assert data.state_dict()["budgets"] == {"balls": WITHIN.digest}


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"budgets": {}}, "learnt from 'balls' within no label budget that is known, this training's is .*budget.json"),
        ({"budgets": OTHER}, "learnt from 'balls' within another label budget, this training's is .*budget.json"),
        ({}, "learnt from 'balls' within no label budget that is known"),
        ({"budget": WITHIN.digest}, "by a teacher of another label budget, this training's is none"),
    ],
)
def test_a_teacher_that_may_know_hidden_labels_labels_no_other_folder_either(folder, tmp_path, told, complaint):
    labelled_logs(tmp_path, **told)
    with pytest.raises(ConfigurationError, match=complaint):
        student(folder, tmp_path)


def test_pseudo_labels_of_before_budgets_were_told_open_and_are_gone_on_with(tmp_path):
    pseudo = labelled_logs(tmp_path, dataset="balls", budget=WITHIN.digest)
    description = pseudo.root / DESCRIPTION
    old = json.loads(description.read_text())
    del old["budgets"]
    description.write_text(json.dumps(old))
    info = PseudoFolder(pseudo.root).info
    assert info == pseudo.info and info.learnt_within == {"balls": WITHIN.digest}
    told = PseudoInfo(**{**vars(info), "budgets": {"balls": WITHIN.digest}})
    assert PseudoFolder.create(pseudo.root, told).info == told == PseudoFolder(pseudo.root).info


def test_a_budget_is_told_of_what_all_saw_within_it_only(folder, tmp_path):
    """Else a network that knows every label would pass for one that knows the budget's."""
    within, every = {"balls": WITHIN.digest}, {}
    for teacher, budget, told in ((within, True, within), (within, False, every), (every, False, every)):
        home = tmp_path / f"{len(teacher)}{budget}"
        home.mkdir()
        labelled_logs(home, budgets=teacher)
        WITHIN.write(home / "budget.json")
        settings = {"budget": str(home / "budget.json")} if budget else {}
        sources, labels = [f"{folder.root}:train", f"{home / 'logs'}:train"], str(home / "labels")
        data = FolderData(sources, pseudo_labels=labels, batch_size=2, **settings, **SIZE)
        assert data.state_dict()["budgets"] == told
        alone = FolderData(sources[:1], batch_size=2, **settings, **SIZE).state_dict()
        FirstWeights("first.ckpt", (TrainingData("balls", 5, "CC0-1.0"),), teacher).add_to(alone)
        assert alone["budgets"] == told
