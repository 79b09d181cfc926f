"""From a data set folder to a network file: fit, resume, evaluate, export, and what each refuses."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import onnx
import pytest
import torch
from ball_folder import CLASSES, write_folder
from lightning import Trainer
from tiny_fit import fit

from mtl_perception.dataset_writer import DatasetWriter
from mtl_perception.model_card import TrainingData
from mtl_perception.network import Network
from training import export
from training.__main__ import main
from training.checkpoint import load_checkpoint
from training.datasets.data_module import FolderData
from training.datasets.label_budget import LabelBudget
from training.datasets.label_drawing import draw
from training.deployed_network import DeployedNetwork
from training.errors import ConfigurationError
from training.export import parity, with_card
from training.input_size import input_size
from training.module import PerceptionModule
from training.torch_backend import model_card


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """The folder a first training of two epochs ran in."""
    here = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        assert fit(folder, "--trainer.max_epochs", "2", "--data.hold_out", "2") == 0
    return here / "runs" / "tiny"


@pytest.fixture(scope="module")
def exported(run, folder):
    out = run / "tiny.onnx"
    arguments = ["--size", "96x96", "--frames", f"{folder.root}:val", "--evaluate", f"{folder.root}:val"]
    assert main(["export", str(run / "last.ckpt"), str(out), *arguments]) == 0
    return out


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
    with pytest.raises(SystemExit):
        fit(folder, *length)
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


@pytest.mark.parametrize("change", ["learning_rate", "budget"])
def test_other_settings_than_it_began_with_are_refused_and_the_record_stays(
    change, folder, tmp_path, monkeypatch, capsys
):
    """What a checkpoint tells is of the whole run: nobody could see that it saw labels which a later budget hides."""
    monkeypatch.chdir(tmp_path)
    draw(folder, "train", {"depth": 6, "semantic": 3}, 0).write(tmp_path / "budget.json")
    same = ["--trainer.max_epochs", "1", "--data.require", "[depth]"]
    other = {"learning_rate": ["--model.learning_rate", "0.5"], "budget": ["--data.budget", "budget.json"]}[change]
    assert fit(folder, *same) == 0
    here = tmp_path / "runs" / "tiny"
    before = {name: (here / name).read_bytes() for name in ("config.yaml", "last.ckpt")}
    capsys.readouterr()
    assert fit(folder, *same, *other, "--ckpt_path", "runs/tiny/last.ckpt") == 2
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the checkpoint is of a run whose " + change in complaint and "resume with the same" in complaint
    assert before == {name: (here / name).read_bytes() for name in before}


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


def test_the_file_says_what_it_is(exported, folder):
    network = Network(exported)
    card = network.card
    assert {c.id: c.name for c in card.classes} == CLASSES
    assert (card.input_height, card.input_width) == (96, 96)
    assert card.focal_length == pytest.approx(50 * 96 / 64)
    assert card.depth_max == pytest.approx(4.0 * 50 / (52.5 * 64 / 64))
    assert card.training_data[0].name == "balls" and card.training_data[0].licence == "CC0-1.0"
    assert card.evaluations[0].values.keys() >= {"miou", "rmse", "delta1"}
    assert len({c.color for c in card.classes}) == len(CLASSES)
    # No path of the machine that exported it.
    assert str(folder.root.parent).encode() not in exported.read_bytes()


def measured(network, folder, home, *more: str) -> dict:
    """What ``evaluate --json`` says of the frames of ``val``."""
    out = home / "figures.json"
    assert main(["evaluate", str(network), str(folder.root), "--split", "val", "--json", str(out), *more]) == 0
    return json.loads(out.read_text())


def assert_same_figures(one: dict, other: dict) -> None:
    assert one["values"].keys() == other["values"].keys() >= {"miou", "rmse"}
    for name, value in one["values"].items():
        assert other["values"][name] == pytest.approx(value, rel=1e-3, abs=1e-4), name


def test_checkpoint_and_file_measure_the_same(run, exported, folder, tmp_path):
    first = measured(run / "last.ckpt", folder, tmp_path, "--size", "96x96")
    assert first["frames"] == 4
    assert_same_figures(first, measured(exported, folder, tmp_path))


def test_a_wide_student_is_measured_and_exported_in_its_own_proportion(folder, tmp_path, monkeypatch, capsys):
    """As one of Cityscapes, whose frames are twice as wide as high: nobody has to say a size."""
    monkeypatch.chdir(tmp_path)
    assert fit(folder, "--data.width", "128", "--trainer.max_epochs", "1") == 0
    checkpoint, out = tmp_path / "runs" / "tiny" / "last.ckpt", tmp_path / "wide.onnx"
    val = f"{folder.root}:val"
    assert main(["export", str(checkpoint), str(out), "--frames", val]) == 0
    assert (Network(out).card.input_height, Network(out).card.input_width) == (64, 128)
    assert_same_figures(measured(checkpoint, folder, tmp_path), measured(out, folder, tmp_path))
    exports = []
    monkeypatch.setattr("training.label_resolution.STRIDES", {2: "at 1/2 of the working size"})
    monkeypatch.setattr("training.label_resolution.to_onnx", lambda d: exports.append(d.size) or onnx.load(out))
    capsys.readouterr()
    assert main(["compare-labels", str(checkpoint), val]) == 0 and exports == [(64, 128)]
    assert f"| {measured(out, folder, tmp_path)['values']['miou']:.4f} |" in capsys.readouterr().out
    assert main(["evaluate", str(checkpoint), str(folder.root), "--size", "480x640"]) == 2
    assert "480x640 would be squashed to the network's 64x128" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [None, np.zeros((48, 64), np.uint8)])
def test_frames_without_classes_are_told_before_anything_is_exported(
    run, folder, tmp_path, monkeypatch, capsys, labels
):
    monkeypatch.setattr("training.label_resolution.to_onnx", None)
    writer = DatasetWriter(tmp_path / "recording", folder.info)
    for name in ("a", "b"):
        writer.write_frame(name, folder.read_rgb("f00"), depth=np.full((48, 64), 2.0), semantic=labels)
    writer.finish()
    assert main(["compare-labels", str(run / "last.ckpt"), str(writer.root)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"{writer.root} has no classes to compare with" in line


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(192, 256, (480, 640)), (512, 1024, (512, 1024)), (256, 256, (256, 256))]
)
def test_frames_of_most_cameras_are_the_input_where_that_squashes_nothing(height, width, expected):
    trained = Mock(height=height, width=width)
    assert input_size(trained) == expected
    assert input_size(trained, "96x32") == (96, 32)


def test_the_labels_of_the_file_are_ids_of_the_data_set(exported, folder):
    prediction = Network(exported).predict(folder.read_rgb("f00"), 52.5)
    assert set(np.unique(prediction.segmentation)) <= set(CLASSES)
    assert (prediction.confidence >= 255 // len(CLASSES)).all()


def test_weights_are_no_freer_than_what_they_learnt_from(run):
    trained = load_checkpoint(run / "last.ckpt")
    free = TrainingData("house", 3, "MIT-0 (meshes: somebody's)")
    bound = TrainingData("city", 3, "terms of use: non-commercial")
    assert model_card(replace(trained, training_data=(free,)), "a", (96, 96)).licence == "Apache-2.0"
    licence = model_card(replace(trained, training_data=(free, bound)), "a", (96, 96)).licence
    assert licence == "as its training data allows: city: terms of use: non-commercial"


def test_only_an_export_of_the_same_training_is_replaced_and_kept_if_it_is_another_network(
    run, exported, folder, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "current.onnx"
    arguments = ["export", str(run / "last.ckpt"), str(out), "--size", "96x96", "--frames", f"{folder.root}:val"]
    monkeypatch.setattr("training.export.to_onnx", lambda deployed: onnx.load(exported))
    shutil.copy(exported, out)
    assert main(arguments) == 0 and [*tmp_path.iterdir()] == [out], "the same network is not worth keeping"
    again = onnx.load(out)  # as a training on the same frames of another seed
    weights = max(again.graph.initializer, key=lambda w: len(w.raw_data))
    weights.raw_data = bytes(len(weights.raw_data))
    onnx.save(again, out)
    before = out.read_bytes()
    capsys.readouterr()
    assert main(arguments) == 0
    previous = tmp_path / "current.previous.onnx"
    assert f"{out} was another network, kept as {previous}" in capsys.readouterr().out.splitlines()
    assert previous.read_bytes() == before != out.read_bytes()

    monkeypatch.setattr("training.export.to_onnx", None)  # told before the work
    card = Network(exported).card
    for changes, told in (
        ({"training_data": (TrainingData("city", 3, "MIT-0"),)}, "(training data differ)"),
        ({"classes": card.classes[1:], "depth_max": 99.0}, "(classes and depth ranges differ)"),
    ):
        out.write_bytes(with_card(onnx.load(exported), replace(card, **changes)))
        before = out.read_bytes()
        assert main(arguments) == 2 and out.read_bytes() == before
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert f"{out} is there and is of another training {told}: choose another name, or move it away" in line
    out.write_bytes(b"hello")
    assert main(arguments) == 2 and out.read_bytes() == b"hello"
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"{out} is there and is no export: choose another name" in line


def test_a_command_replaces_its_own_file_whatever_it_is(run, exported, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("training.export.to_onnx", lambda deployed: onnx.load(exported))
    out = tmp_path / "student.onnx"
    out.write_bytes(b"torn")
    arguments = [str(run / "last.ckpt"), str(out), "--size", "96x96", "--frames", f"{folder.root}:val"]
    export.main(arguments, own_file=True)
    assert Network(out).card.name == "student" and [*tmp_path.iterdir()] == [out]


def test_an_export_that_is_not_the_same_network_is_refused(run, exported, folder):
    from training.datasets.source import Source

    trained = load_checkpoint(run / "last.ckpt")
    deployed = DeployedNetwork(trained, 96, 96)
    model = onnx.load(exported)
    weights = max(model.graph.initializer, key=lambda w: len(w.raw_data))
    values = onnx.numpy_helper.to_array(weights) * 1.5
    weights.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), weights.name))
    source = Source(folder, folder.names())
    agreement = parity(deployed, with_card(model, model_card(trained, "spoilt", (96, 96))), source)
    with pytest.raises(ConfigurationError, match="refused, it is not the same network: parity with torch on 12 frames"):
        agreement.check()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["export", "nowhere.ckpt", "out.onnx", "--frames", "{data}"], "nowhere.ckpt: no such checkpoint"),
        (["export", "{run}/last.ckpt", "out.pt", "--frames", "{data}"], "a network file is named .onnx"),
        (["export", "{run}/last.ckpt", "out.onnx", "--frames", "{data}", "--size", "96x300"], "would be squashed"),
        (["export", "{run}/last.ckpt", "out.onnx", "--frames", "{data}", "--size", "big"], "is not HEIGHTxWIDTH"),
        (["export", "{run}/metrics.csv", "out.onnx", "--frames", "{data}"], "is no checkpoint of this training"),
        (["export", "{run}/last.ckpt", "out.onnx", "--frames", "nowhere:val"], "is no data set folder"),
        (["export", "{run}/last.ckpt", "{exported}/out.onnx", "--frames", "{data}"], "tiny.onnx)"),
        (["evaluate", "{run}/metrics.onnx", "{data}"], "cannot read the network file"),
        (["evaluate", "{run}/last.ckpt", "{data}", "--size", "48"], "--size '48' is not HEIGHTxWIDTH"),
        (["evaluate", "{exported}", "{data}", "--size", "48x48"], "tiny.onnx takes 96x96 and nothing else"),
        (["train"], "unknown command 'train'; commands: rooms, "),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    run, exported, folder, capsys, tmp_path, monkeypatch, arguments, complaint
):
    monkeypatch.chdir(tmp_path)
    assert main([a.format(run=run, exported=exported, data=folder.root) for a in arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert complaint in error and len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


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
