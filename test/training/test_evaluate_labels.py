"""What ``python -m training evaluate`` says of labels that are wrong, or tell nothing."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from ball_folder import CLASSES, COLORS, write_folder
from network_file import card, write_network

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.model_card import SemanticClass
from training.__main__ import main
from training.checkpoint import TrainedNetwork
from training.checkpoint_evaluation import evaluate_checkpoint
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.models.fusion import build_backbone
from training.models.modalities import modalities
from training.models.mtinet import MTINet
from training.models.tasks import dense_tasks


@pytest.fixture
def data(tmp_path) -> DatasetFolder:
    """A data set that a test may spoil."""
    return write_folder(tmp_path / "balls")


@pytest.fixture
def network(tmp_path):
    classes = tuple(SemanticClass(i, name, tuple(map(int, COLORS[i]))) for i, name in CLASSES.items())
    return write_network(tmp_path / "tiny.onnx", card_text=card(classes=classes).to_json())


def teacher(tasks: list[str]) -> TrainedNetwork:
    """A network that has learnt nothing, and looks at depth too."""
    seen = modalities(["rgb", "depth"], 3)
    net = MTINet(build_backbone("mobilenetv4_conv_small", "none", seen), dense_tasks(tasks, 3), [8, 8, 8, 8])
    return TrainedNetwork(
        net.eval(), "mobilenetv4_conv_small", "none", seen, tuple(tasks), CLASSES, 64, 64, 50.0, (1.0, 4.0), ()
    )


def test_a_class_that_nobody_named_is_said_with_its_file(data, network, capsys):
    path = data.path("semantic", "f01")
    semantic = data.read_semantic("f01")
    semantic[0, 0] = 7
    cv2.imwrite(str(path), semantic)
    complaint = f"{path} holds class id 7, which dataset.json does not name"
    assert main(["evaluate", str(network), str(data.root)]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1] == f"error: {complaint}"
    with pytest.raises(DatasetError) as error:
        evaluate_checkpoint(teacher(["semantic"]), Source(data, ["f00", "f01"]))
    assert str(error.value) == complaint


def test_depth_that_is_unknown_everywhere_is_no_figure(data, network, tmp_path, capsys):
    for path in (data.root / "depth").iterdir():
        cv2.imwrite(str(path), np.zeros((48, 64), np.uint16))
    arguments = ["evaluate", str(network), str(data.root), "--json", str(tmp_path / "figures.json")]
    assert main(arguments) == 0
    told = capsys.readouterr()
    complaint = f"depth cannot be measured: the labels in {data.root} have no known pixel (0 is unknown)"
    assert told.err.strip().splitlines()[-1] == f"warning: {complaint}"
    assert "nan" not in told.out and "miou" in told.out
    values = json.loads((tmp_path / "figures.json").read_text())["values"]
    assert "miou" in values and "rmse" not in values
    shutil.rmtree(data.root / "semantic")
    assert main(arguments) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1] == f"error: {complaint}"


def test_a_checkpoint_is_not_measured_on_what_is_unknown_either(data, capsys):
    for path in (data.root / "depth").iterdir():
        cv2.imwrite(str(path), np.zeros((48, 64), np.uint16))
    some = Source(data, ["f00", "f01"])
    evaluation, _ = evaluate_checkpoint(teacher(["semantic", "normals"]), some)
    assert "miou" in evaluation.values and "normals_mean" not in evaluation.values
    assert "warning: normals cannot be measured" in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match=r"normals cannot be measured: the labels in .*balls have no known"):
        evaluate_checkpoint(teacher(["normals"]), some)
