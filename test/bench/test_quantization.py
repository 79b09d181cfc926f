"""The bench of quantisation runs as a whole, in small, and keeps what is written by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ball_folder import write_folder
from convolution_network import write_convolution_network
from recorder import record_frames

from bench import quantization
from bench.quantization_page import page
from mtl_perception.dataset_folder import DatasetInfo, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter
from mtl_perception.deployment.conditions import conditions
from training.errors import ConfigurationError
from training.results_page import BY_HAND


def test_figures_are_measured_and_written(tmp_path, monkeypatch):
    chosen, exact = quantization.CHOSEN, "for TensorRT"
    monkeypatch.setattr(quantization, "VARIANTS", {name: quantization.VARIANTS[name] for name in (chosen, exact)})
    monkeypatch.setattr(quantization, "PATHS", {"onnxruntime": quantization.PATHS["onnxruntime"]})
    rng = np.random.default_rng(0)
    writer = DatasetWriter(
        tmp_path / "set",
        DatasetInfo(64, 48, "CC0-1.0", "made up", Intrinsics(50.0, 50.0, 32.0, 24.0), classes={1: "wall", 2: "floor"}),
    )
    for name in "ab":
        rgb = rng.integers(0, 256, (48, 64, 3), np.uint8)
        writer.write_frame(name, rgb, depth=np.full((48, 64), 2.0), semantic=rng.integers(1, 3, (48, 64), np.uint8))
    writer.finish()
    network = write_convolution_network(tmp_path / "conv.onnx")
    written = tmp_path / "quantization.md"
    written.write_text(f"# Old\n\n{BY_HAND}\n\n## What was tried\n\nBy hand.\n")
    sources = [str(record_frames(tmp_path / "bag", 12, labels=False)), str(tmp_path / "set")]
    arguments = [*sources, "--model", str(network), "--rounds", "1", "--count", "12", "--out", str(tmp_path)]
    quantization.main(arguments)
    content = json.loads((tmp_path / "quantization.json").read_text())
    assert content["frames"] == 2 and content["times"]["milliseconds"]["conv"]["int8"]["onnxruntime"]["median"] > 0
    plain = content["accuracy"]["float"]["onnxruntime"]
    for name, library in ((chosen, "onnxruntime"), (exact, quantization.EXACT)):
        values = content["accuracy"][name][library]
        assert values["rmse"] != plain["rmse"] and values["rmse"] == pytest.approx(plain["rmse"], rel=0.05)
    text = written.read_text()
    assert "Old" not in text and text.endswith("\n## What was tried\n\nBy hand.\n") and "| conv | int8 |" in text
    quantization.main([*arguments, "--times"])
    again = json.loads((tmp_path / "quantization.json").read_text())
    assert again["accuracy"] == content["accuracy"] and again["times"] != content["times"]


def test_each_variant_is_another_network(tmp_path):
    network = write_convolution_network(tmp_path / "conv.onnx").read_bytes()
    bag = str(record_frames(tmp_path / "bag", 12, labels=False))
    files = {quantization.quantised(network, bag, 12, name) for name in quantization.VARIANTS}
    assert len(files) == len(quantization.VARIANTS)


def test_nothing_is_measured_on_frames_that_it_was_calibrated_on(tmp_path):
    write_folder(tmp_path / "balls")
    network = write_convolution_network(tmp_path / "conv.onnx")
    seen, whole = str(tmp_path / "balls:train"), str(tmp_path / "balls")
    with pytest.raises(ConfigurationError, match=f"8 frames, f00 is one, are of {seen}, .* and of {whole}, which"):
        quantization.main([seen, whole, "--model", str(network), "--out", str(tmp_path)])
    assert not (tmp_path / "quantization.json").exists()


def content(miou: float, rmse: float, milliseconds: float) -> dict:
    def timed(median):
        return {"onnxruntime": {"median": median, "p95": median}}

    return {
        "network": "kitchen",
        "frames": 9,
        "accuracy": {
            "float": {"onnxruntime": {"miou": 0.5, "rmse": 0.6}},
            "best": {"onnxruntime": {"miou": miou, "rmse": rmse}},
        },
        "times": {
            "milliseconds": {"kitchen": {"float": timed(100.0), "int8": timed(milliseconds), "load_average": 0.1}},
            "conditions": conditions(""),
        },
        "conditions": conditions(""),
    }


@pytest.mark.parametrize(
    ("figures", "missed"),
    [((0.4951, 0.605, 44.0), 0), ((0.494, 0.605, 44.0), 1), ((0.5, 0.607, 44.0), 1), ((0.494, 0.7, 46.0), 3)],
)
def test_goals_are_judged(figures, missed):
    text, is_met = page("About.\n\nMore.", content(*figures), "best")
    assert text.count("MISSED") == missed and is_met == (missed == 0)


def test_the_goals_are_of_the_fastest_that_keeps_the_accuracy():
    half = "openvino in half precision"
    told = content(0.5, 0.6, 44.0)
    told["times"]["milliseconds"]["kitchen"]["float"][half] = {"median": 30.0, "p95": 30.0}
    told["accuracy"]["float"][half] = {"miou": 0.5, "rmse": 0.6}
    assert f"`float` with {half}:" in page("", told, "best")[0]
    told["accuracy"]["float"][half]["rmse"] = 0.61
    told["times"]["milliseconds"]["kitchen"]["int8"]["not measured"] = {"median": 1.0, "p95": 1.0}
    text, is_met = page("", told, "best")
    assert "`best` with onnxruntime:" in text and is_met
