"""What ``python -m training evaluate`` says of labels that are wrong, or tell nothing."""

from __future__ import annotations

import cv2
import pytest
from ball_folder import CLASSES, COLORS, write_folder
from network_file import card, write_network

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.model_card import SemanticClass
from training.__main__ import main
from training.checkpoint import TrainedNetwork
from training.checkpoint_evaluation import evaluate_checkpoint
from training.datasets.source import Source
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
        evaluate_checkpoint(teacher(["semantic"]), Source(data, ["f00", "f01"]), "all")
    assert str(error.value) == complaint
