"""From a checkpoint to a network file: its card, that it measures the same, what it replaces, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import onnx
import pytest
from ball_folder import CLASSES
from tiny_fit import fit

from mtl_perception.dataset_writer import DatasetWriter
from mtl_perception.model_card import TrainingData
from mtl_perception.network import Network
from training.__main__ import main
from training.checkpoint import load_checkpoint
from training.datasets.source import Source
from training.deployed.card import model_card
from training.deployed.deployed_network import DeployedNetwork
from training.deployed.input_size import input_size, parse_size
from training.errors import ConfigurationError
from training.export.network_file import write_network_file
from training.export.onnx_graph import with_card
from training.export.parity import parity


@pytest.fixture(scope="module")
def exported(run, folder):
    out = run / "tiny.onnx"
    arguments = ["--size", "96x96", "--frames", f"{folder.root}:val", "--evaluate", f"{folder.root}:val"]
    assert main(["export", str(run / "last.ckpt"), str(out), *arguments]) == 0
    return out


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
    monkeypatch.setattr("training.export.label_resolution.STRIDES", {2: "at 1/2 of the working size"})
    monkeypatch.setattr("training.export.label_resolution.to_onnx", lambda d: exports.append(d.size) or onnx.load(out))
    capsys.readouterr()
    assert main(["compare-labels", str(checkpoint), val]) == 0 and exports == [(64, 128)]
    assert f"| {measured(out, folder, tmp_path)['values']['miou']:.4f} |" in capsys.readouterr().out
    assert main(["evaluate", str(checkpoint), str(folder.root), "--size", "480x640"]) == 2
    assert "480x640 would be squashed to the network's 64x128" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [None, np.zeros((48, 64), np.uint8)])
def test_frames_without_classes_are_told_before_anything_is_exported(
    run, folder, tmp_path, monkeypatch, capsys, labels
):
    monkeypatch.setattr("training.export.label_resolution.to_onnx", None)
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


@pytest.mark.parametrize("text", ["big", "48", "48x", "0x48", "48x64x3"])
def test_what_is_no_size_is_said(text, capsys):
    assert parse_size("96x32") == (96, 32)
    with pytest.raises(SystemExit):
        main(["export", "a.ckpt", "a.onnx", "--frames", "a", "--size", text])
    assert f"argument --size: {text!r} is not HEIGHTxWIDTH in pixels, e.g. 480x640" in capsys.readouterr().err


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
    monkeypatch.setattr("training.export.network_file.to_onnx", lambda deployed: onnx.load(exported))
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

    monkeypatch.setattr("training.export.network_file.to_onnx", None)  # told before the work
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
    monkeypatch.setattr("training.export.network_file.to_onnx", lambda deployed: onnx.load(exported))
    out = tmp_path / "student.onnx"
    out.write_bytes(b"torn")
    write_network_file(run / "last.ckpt", out, Source.parse(f"{folder.root}:val", "."), size=(96, 96), own_file=True)
    assert Network(out).card.name == "student" and [*tmp_path.iterdir()] == [out]


def test_an_export_that_is_not_the_same_network_is_refused(run, exported, folder):
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
        (["export", "{run}/metrics.csv", "out.onnx", "--frames", "{data}"], "is no checkpoint of this training"),
        (["export", "{run}/last.ckpt", "out.onnx", "--frames", "nowhere:val"], "is no data set folder"),
        (["export", "{run}/last.ckpt", "{exported}/out.onnx", "--frames", "{data}"], "tiny.onnx)"),
        (["evaluate", "{run}/metrics.onnx", "{data}"], "cannot read the network file"),
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
