"""A recording of a data set folder gives the figures that training gives on the folder itself."""

from __future__ import annotations

import pytest
from ball_folder import CLASSES, COLORS, write_folder
from network_file import card, write_network

from mtl_perception.cli import main
from mtl_perception.evaluation.metrics_file import read_metrics
from mtl_perception.model_card import SemanticClass
from mtl_perception.network import Network
from training.datasets.source import Source
from training.deployed.evaluation import evaluate


@pytest.mark.parametrize("raw", [False, True])
def test_a_bag_of_a_folder_gives_the_figures_of_the_folder(tmp_path, raw):
    with_depth = [f"f{i:02d}" for i in range(12) if i % 3 != 2]
    folder = write_folder(tmp_path / "set", splits={"rgbd": with_depth}, sequences={})
    classes = tuple(SemanticClass(i, name, tuple(map(int, COLORS[i]))) for i, name in CLASSES.items())
    network = write_network(tmp_path / "tiny.onnx", card_text=card(classes=classes).to_json())
    expected, iou = evaluate(Network(network), Source(folder, with_depth, "rgbd"))

    bag, out = tmp_path / "set.mcap", tmp_path / "out"
    options = ["--split", "rgbd", "--depth", *(["--raw"] if raw else [])]
    assert main(["bag", "from-folder", str(folder.root), str(bag), *options]) == 0
    labels = f"{folder.root}:rgbd"
    assert main(["evaluate", str(bag), "--model", str(network), "--labels", labels, "--out", str(out)]) == 0
    metrics = read_metrics(out / "metrics.json")
    assert metrics["bag"]["with_depth"] == len(with_depth) and 0 < metrics["bag"]["with_labels"] < len(with_depth)
    (model,) = metrics["models"]
    found = {**model["depth"], **model["segmentation"]}
    # Sums in another order: no more than the last digits differ.
    assert {name: found[name] for name in expected.values} == pytest.approx(expected.values, rel=1e-9)
    assert {c["name"]: c["iou"] for c in model["segmentation"]["classes"]} == pytest.approx(iou)
    assert found["rmse"] > 0.1 and 0 < found["miou"] < 1
