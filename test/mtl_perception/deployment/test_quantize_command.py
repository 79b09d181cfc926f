"""``mtl-perception quantize``: a file that runs, or one line that says why there is none."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from convolution_network import write_convolution_network
from recorder import START, record_frames, recording, scene

from mtl_perception.cli import main
from mtl_perception.deployment import parity, quantization
from mtl_perception.deployment.parity import Tolerance
from mtl_perception.network import Network


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> str:
    return str(record_frames(tmp_path_factory.mktemp("bags") / "walk", 30, labels=False, depth_factor=None))


@pytest.fixture(scope="module")
def float_network(tmp_path_factory) -> str:
    return str(write_convolution_network(tmp_path_factory.mktemp("networks") / "conv.onnx"))


@pytest.mark.parametrize("target", quantization.TARGETS)
def test_a_network_is_written_that_runs(tmp_path, bag, float_network, capsys, target):
    out = tmp_path / "new" / "conv_int8.onnx"
    assert main(["quantize", float_network, str(out), "--frames", bag, "--count", "16", "--for", target]) == 0
    said = capsys.readouterr().out
    assert "against the float network on 2 other frames of" in said and "pixels of the same class" in said
    assert f"{out} (0.0 MB, of 0.0 MB)" in said
    network = Network(out)
    assert network.card.name == "conv_int8" and "calibrated on 17 frames" in network.card.architecture
    assert network.predict(scene(0)[0]).depth.shape == (48, 64)
    assert [path.name for path in out.parent.iterdir()] == ["conv_int8.onnx"]


def test_it_is_not_compared_on_frames_it_was_calibrated_on(tmp_path, bag, float_network, monkeypatch):
    seen: dict[str, list] = {}

    def record(model, frames, target):
        seen["calibrated"] = [frame.tobytes() for frame in frames]
        return model

    def compare(reference, other, frames):
        seen["compared"] = [frame.tobytes() for frame in frames]
        return parity.Parity(len(seen["compared"]), 0.0, 0.0, 0.0, 1.0, 1.0)

    monkeypatch.setattr(quantization, "quantize", record)
    monkeypatch.setattr(parity, "compare", compare)
    assert main(["quantize", float_network, str(tmp_path / "o.onnx"), "--frames", bag, "--count", "24"]) == 0
    assert len(seen["calibrated"]) == 25 and len(seen["compared"]) == 3
    assert not {*seen["calibrated"]} & {*seen["compared"]}


def test_a_network_that_moved_too_far_is_not_written(tmp_path, bag, float_network, monkeypatch, capsys):
    monkeypatch.setitem(parity.TOLERANCES, "int8", Tolerance(depth_median=1e-9, depth_p99=1.0, same_class=0.0))
    out = tmp_path / "conv_int8.onnx"
    assert main(["quantize", float_network, str(out), "--frames", bag]) == 1
    assert "conv_int8.onnx is not written: depth moved by" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def refusal(capsys, *arguments) -> str:
    assert main(["quantize", *map(str, arguments)]) == 2
    printed = capsys.readouterr().err.strip()
    assert printed.startswith("mtl-perception: ") and "\n" not in printed, printed
    return printed


def test_where_it_cannot_be_written_is_told_before_the_work(tmp_path, bag, float_network, capsys, monkeypatch):
    monkeypatch.setattr(quantization, "quantize", None)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "text.onnx").write_text("hello")
    shutil.copy(float_network, tmp_path / "trained.onnx")
    for out, complaint in (
        (tmp_path / "network.engine", "a network file is named .onnx, not network.engine"),
        (float_network, "is the network to be quantised, which is still needed"),
        (tmp_path / "folder.onnx", "is a folder"),
        (tmp_path / "trained.onnx", "trained.onnx is there and is no quantised network: choose another name"),
        (tmp_path / "text.onnx", "text.onnx is there and is no quantised network"),
        (tmp_path / "file" / "network.onnx", "file"),
    ):
        assert complaint in refusal(capsys, float_network, out, "--frames", bag)


def test_a_source_that_is_no_network_file_is_told(tmp_path, bag, network, capsys):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(network.read_bytes()[:200])
    out = tmp_path / "out.onnx"
    assert "damaged.onnx" in refusal(capsys, damaged, out, "--frames", bag)
    assert "none.onnx" in refusal(capsys, tmp_path / "none.onnx", out, "--frames", bag)
    assert "is not quantised: it has no convolution" in refusal(capsys, network, out, "--frames", bag)
    assert not out.exists()


def test_frames_that_will_not_do_are_told(tmp_path, float_network, capsys):
    with recording(tmp_path / "two") as recorder:
        for number in range(12):
            for side in "left", "right":
                recorder.image(f"/{side}/image_raw", START + number, scene(number)[0], "rgb8")
    record_frames(tmp_path / "short", 5)
    with recording(tmp_path / "blind") as recorder:
        recorder.image("/depth", START, np.ones((4, 4), np.uint16), "16UC1")
    out = tmp_path / "out.onnx"
    for source, complaint in (
        ("nowhere", "there is no recording or data set folder"),
        ("blind", "has no images of a camera"),
        ("short", "is not quantised: 4 frames are too few to calibrate on, 10 at the least"),
        ("two", "name one with --image: /left/image_raw, /right/image_raw"),
    ):
        assert complaint in refusal(capsys, float_network, out, "--frames", tmp_path / source)
    chosen = ["--frames", str(tmp_path / "two"), "--image", "/right/image_raw"]
    assert main(["quantize", float_network, str(out), *chosen]) == 0
