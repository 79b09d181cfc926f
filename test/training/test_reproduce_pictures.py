"""Pictures of a study: what they show of frames that lack a label."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from ball_folder import CLASSES

from training.checkpoint import TrainedNetwork
from training.datasets.source import Source
from training.models.fusion import build_backbone
from training.models.modalities import modalities
from training.models.mtinet import MTINet
from training.models.tasks import dense_tasks
from training.palette import class_colors
from training.reproduce.pictures import draw_pictures

CAPTION = 22
HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def network() -> TrainedNetwork:
    """One that predicts depth and no class."""
    seen = modalities(["rgb"], 3)
    net = MTINet(build_backbone("mobilenetv4_conv_small", "none", seen), dense_tasks(["depth"], 3), [8, 8, 8, 8])
    return TrainedNetwork(
        net.eval(), "mobilenetv4_conv_small", "none", seen, ("depth",), CLASSES, 64, 64, 50.0, (1.0, 4.0), ()
    )


def test_a_frame_without_depth_is_pictured_and_true_classes_are_named(folder, network, tmp_path):
    bare = next(n for n in folder.names() if not folder.has("depth", n) and folder.has("semantic", n))
    whole = next(n for n in folder.names() if folder.has("depth", n) and folder.has("semantic", n))
    draw_pictures({"a student": network}, Source(folder, [bare, whole]), tmp_path / "sheet.png")
    sheet = cv2.cvtColor(cv2.imread(str(tmp_path / "sheet.png")), cv2.COLOR_BGR2RGB)
    line = HEIGHT + CAPTION
    shown = [sheet[i * line + CAPTION : (i + 1) * line, WIDTH:] for i in range(4)]
    # Depth of the first frame: no truth, but a guess; of the second, both.
    truths = [shown[i][:, :WIDTH] for i in (0, 2)]
    assert (truths[0] == 235).all() and (truths[1] != 235).any()
    assert all((shown[i][:, WIDTH:] != 235).any() for i in (0, 2))
    legend = {tuple(color) for color in sheet[4 * line :].reshape(-1, 3).tolist()}
    assert {class_colors(3)[i - 1] for i in np.unique(folder.read_semantic(bare)) if i} <= legend
