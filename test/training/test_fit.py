"""A training: what it leaves, how it is gone on with, and what it refuses."""

from __future__ import annotations

import csv
import shutil
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from ball_folder import CLASSES, write_folder
from lightning import Trainer
from tiny_fit import fit

from mtl_perception.dataset_writer import DatasetWriter
from training.datasets.data_module import FolderData
from training.datasets.label_budget import LabelBudget
from training.datasets.label_drawing import draw
from training.errors import ConfigurationError
from training.module import PerceptionModule


def test_a_run_leaves_checkpoints_and_logs(run):
    assert (run / "last.ckpt").exists() and (run / "best.ckpt").exists() and list(run.glob("events.out*"))
    with open(run / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    losses = [float(r["train/loss"]) for r in rows if r.get("train/loss")]
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert any(r.get("val/miou") for r in rows)


@pytest.mark.parametrize(
    "length",
    [["--trainer.max_epochs", "4"], ["--trainer.max_steps", "8"], ["--trainer.max_steps=8", "--trainer.max_epochs=-1"]],
)
def test_an_interrupted_run_resumes_where_it_was(length, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    step = PerceptionModule.training_step
    seen = []

    def interrupted(module, batch, index):
        seen.append(module.global_step)
        if module.global_step == 5:
            raise KeyboardInterrupt
        return step(module, batch, index)

    monkeypatch.setattr(PerceptionModule, "training_step", interrupted)
    monkeypatch.setattr("training.last_checkpoint.INTERVAL", 0.0)
    assert fit(folder, *length) == 130
    last = tmp_path / "runs" / "tiny" / "last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 4
    monkeypatch.setattr(PerceptionModule, "training_step", lambda *a: seen.append(a[0].global_step) or step(*a))
    assert fit(folder, *length, "--ckpt_path", str(last)) == 0
    assert seen == [0, 1, 2, 3, 4, 5, 4, 5, 6, 7]
    logs = [
        list(csv.DictReader(last.with_name(name).read_text().splitlines())) for name in ("metrics-1.csv", "metrics.csv")
    ]
    earlier, later = ([int(r["step"]) for r in log] for log in logs)
    assert max(earlier) == 5 and min(later) >= 4 and max(later) >= 7
    resumed = torch.load(last, weights_only=True)
    assert resumed["global_step"] == 8
    # The same frames in the same order, augmented alike: the network is the one of a run without a break.
    assert fit(folder, *length, "--name", "whole") == 0
    whole = torch.load(tmp_path / "runs" / "whole" / "last.ckpt", weights_only=True)
    assert all(torch.equal(resumed["state_dict"][name], value) for name, value in whole["state_dict"].items())


def test_short_epochs_are_not_spent_writing(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written, save = [], Trainer.save_checkpoint
    monkeypatch.setattr(Trainer, "save_checkpoint", lambda *a, **k: written.append(a[0].global_step) or save(*a, **k))
    assert fit(folder, "--trainer.max_epochs", "4") == 0
    # The first early: a run that is stopped before has something to go on from.
    assert written == [2, 8]


def test_a_run_of_another_length_is_not_resumed(run, folder, monkeypatch, capsys):
    monkeypatch.chdir(run.parent.parent)
    assert fit(folder, "--trainer.max_epochs", "9", "--name", "more", "--ckpt_path", str(run / "last.ckpt")) == 2
    assert "is of a run of 2 steps, this one would take 18" in capsys.readouterr().err


@pytest.mark.parametrize("change", [{"head_widths": [8, 8, 8, 12]}, {"tasks": ["depth"]}])
def test_a_run_of_another_network_is_not_resumed(change):
    same = {"classes": CLASSES, "height": 64, "width": 64, "focal_length": 50.0, "head_widths": [8, 8, 8, 8]}
    module, other = (PerceptionModule(**{**same, "backbone": "mobilenetv4_conv_small", **c}) for c in ({}, change))
    module.trainer = Mock(estimated_stepping_batches=2, datamodule=Mock(state_dict=dict))
    rest = {"lr_schedulers": [{"total_steps": 2}], "hyper_parameters": dict(module.hparams), "FolderData": {}}
    module.on_load_checkpoint({"state_dict": module.state_dict(), **rest})
    with pytest.raises(ConfigurationError, match=r"of another network \(\d+ weights differ, network\."):
        module.on_load_checkpoint({"state_dict": other.state_dict(), **rest})


def test_another_network_than_the_command_says_is_not_gone_on_with(run, folder, tmp_path, monkeypatch, capsys):
    """Not even by taking the checkpoint's settings in place of those given."""
    monkeypatch.chdir(tmp_path)
    more = ["--trainer.max_epochs", "2", "--data.hold_out", "2", "--ckpt_path", str(run / "last.ckpt")]
    assert fit(folder, "--model.tasks", "[depth]", *more) == 2
    assert "the checkpoint is of another network" in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("change", ["learning_rate", "budget", "strong", "batch_size"])
def test_other_settings_than_it_began_with_are_refused_and_the_record_stays(
    change, folder, tmp_path, monkeypatch, capsys
):
    """What a checkpoint tells is of the whole run: nobody could see that it saw labels which a later budget hides."""
    monkeypatch.chdir(tmp_path)
    draw(folder, "train", {"depth": 6, "semantic": 3}, 0).write(tmp_path / "budget.json")
    same = ["--trainer.max_steps", "1", "--trainer.max_epochs", "-1", "--data.require", "[depth]"]
    other = {
        "learning_rate": ["--model.learning_rate", "0.5"],
        "budget": ["--data.budget", "budget.json"],
        "strong": ["--data.strong", "true"],
        "batch_size": ["--data.batch_size", "2"],
    }[change]
    assert fit(folder, *same) == 0
    here = tmp_path / "runs" / "tiny"
    before = {name: (here / name).read_bytes() for name in ("config.yaml", "last.ckpt")}
    capsys.readouterr()
    assert fit(folder, *same, *other, "--ckpt_path", "runs/tiny/last.ckpt") == 2
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the checkpoint is of a run whose " + change in complaint and "resume with the same" in complaint
    assert before == {name: (here / name).read_bytes() for name in before}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (["--trainer.max_epochs", "-1"], "this training has no end: give --trainer.max_steps too"),
        (["--data.batch_size", "0"], "batch_size 0: a step takes one frame or more"),
    ],
)
def test_a_length_that_cannot_be_is_said_in_one_line(settings, complaint, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert fit(folder, *settings) == 2
    assert complaint in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("steps", range(1, 13))
def test_a_run_may_be_as_short_as_one_likes(steps):
    module = PerceptionModule(CLASSES, 64, 64, 50.0, "mobilenetv4_conv_small", head_widths=[8, 8, 8, 8])
    module.trainer = Mock(estimated_stepping_batches=steps, precision="32-true")
    schedule = module.configure_optimizers()["lr_scheduler"]["scheduler"]
    rates = [schedule.get_last_lr()[0]]
    for _ in range(steps - 1):
        schedule.optimizer.step()
        schedule.step()
        rates += schedule.get_last_lr()[:1]
    assert np.isfinite(rates).all() and (steps == 1 or rates[-1] < 1e-5 < max(rates))


def test_a_network_of_one_task_holds_out_frames_with_its_label_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = write_folder(tmp_path / "balls")
    shutil.rmtree(folder.root / "depth")
    more = ["--model.tasks", "[semantic]", "--data.hold_out", "2", "--trainer.max_epochs", "1"]
    assert fit(folder, *more) == 0, capsys.readouterr().err


def test_first_weights_know_no_hidden_labels_and_their_licence_binds(folder, tmp_path):
    settings = {"classes": CLASSES, "height": 64, "width": 64, "focal_length": 50.0, "head_widths": [8, 8, 8, 8]}
    first = PerceptionModule(**settings, backbone="mobilenetv4_conv_small")
    for seed in (0, 1):
        draw(folder, "train", {"depth": 4, "semantic": 3}, seed).write(tmp_path / f"{seed}.json")
    digest = LabelBudget.read(tmp_path / "0.json").digest
    learnt = [{"name": n, "frames": 4, "licence": f} for n, f in (("balls", "CC0-1.0"), ("nyu", "non-commercial"))]
    told = {"training_data": learnt, "depth_range": None, "budgets": {"balls": digest}}
    content = {"hyper_parameters": dict(first.hparams), "FolderData": told, "state_dict": first.state_dict()}
    torch.save(content, tmp_path / "first.ckpt")

    student = PerceptionModule(**settings, backbone="mobilenetv4_conv_small", start_from=str(tmp_path / "first.ckpt"))
    for budget in (None, "0.json", "1.json"):
        path = str(tmp_path / budget) if budget else None
        data = FolderData([f"{folder.root}:train"], budget=path, height=64, width=64, batch_size=2)
        student.trainer = Mock(datamodule=data)
        if budget == "1.json":
            with pytest.raises(ConfigurationError, match=r"first\.ckpt was trained on 'balls' without this training's"):
                student.on_fit_start()
        else:
            student.on_fit_start()
    assert student._first_weights.doubt(data) == ""
    data = FolderData([f"{folder.root}:train"], hold_out=2, height=64, width=64, batch_size=2)
    assert "first.ckpt was trained on balls, perhaps on the very frames that are held out" in (
        student._first_weights.doubt(data)
    )
    saved = {"FolderData": data.state_dict()}
    student.on_save_checkpoint(saved)
    entries = {entry["name"]: entry for entry in saved["FolderData"]["training_data"]}
    assert entries["nyu"] == learnt[1] and entries["balls"]["frames"] == len(data.train_sources[0].names)


class Trap:
    """Creates the file ``path`` when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_no_checkpoint_is_unpickled(run, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    torch.save(torch.load(run / "last.ckpt", weights_only=True) | {"extra": Trap(tmp_path / "sprung")}, "trap.ckpt")
    assert fit(folder, "--trainer.max_epochs", "1", "--ckpt_path", "trap.ckpt") == 2
    assert "trap.ckpt is no checkpoint of this training" in capsys.readouterr().err
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(SystemExit):
        fit(folder, "--weights_only", "false", "--ckpt_path", "trap.ckpt")


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert fit(folder, "--model.learning_rate", "1e30", "--trainer.max_epochs", "2") == 2
    assert "the loss is not finite at step 1 (epoch 0)" in capsys.readouterr().err


def test_labels_of_one_kind_only_are_enough_to_train(tmp_path, monkeypatch, folder):
    info = folder.info
    writer = DatasetWriter(tmp_path / "depth_only", info)
    for name in info.splits["train"]:
        writer.write_frame(name, folder.read_rgb(name), depth=np.full((48, 64), 2.0))
    writer.finish()
    monkeypatch.chdir(tmp_path)
    from mtl_perception.dataset_folder import DatasetFolder

    assert fit(DatasetFolder(writer.root), "--trainer.max_epochs", "1") == 0
