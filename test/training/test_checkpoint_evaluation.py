"""Measuring networks of any inputs and tasks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ball_folder import CLASSES, write_folder

from training.checkpoint import TrainedNetwork
from training.checkpoint_evaluation import evaluate_checkpoint
from training.datasets.source import Source
from training.deployed import evaluation
from training.errors import ConfigurationError
from training.models.fusion import build_backbone
from training.models.modalities import modalities
from training.models.mtinet import MTINet
from training.models.tasks import dense_tasks


def fresh(inputs: list[str], tasks: list[str]) -> TrainedNetwork:
    """A network that has learnt nothing: 2.5 canonical metres everywhere, more or less."""
    seen = modalities(inputs, 3)
    network = MTINet(build_backbone("mobilenetv4_conv_small", "none", seen), dense_tasks(tasks, 3), [8, 8, 8, 8])
    return TrainedNetwork(
        network.eval(), "mobilenetv4_conv_small", "none", seen, tuple(tasks), CLASSES, 64, 64, 50.0, None, ()
    )


@pytest.mark.parametrize(("inputs", "tasks"), [(["rgb"], ["semantic"]), (["rgb", "semantic"], ["depth"])])
def test_other_classes_are_refused_not_miscounted(tmp_path, inputs, tasks):
    other = write_folder(tmp_path / "other", classes={1: "wall", 2: "ceiling", 3: "ball"})
    with pytest.raises(ConfigurationError, match=r"class 2 is 'floor' to the network and 'ceiling' in .*other"):
        evaluate_checkpoint(fresh(inputs, tasks), Source(other, other.names()))


def test_depth_needs_no_classes_and_is_in_metres_of_the_folders_camera(tmp_path):
    other = write_folder(tmp_path / "other", classes={1: "wall", 2: "ceiling", 3: "ball"})
    measured, iou = evaluate_checkpoint(fresh(["rgb"], ["depth"]), Source(other, other.names()))
    truth = np.concatenate([other.read_depth(n).ravel() for n in other.names() if other.has("depth", n)])
    guess = 2.5 * 52.5 / 50
    known = truth[truth > 0]
    assert measured.values["rmse"] == pytest.approx(float(np.sqrt(((known - guess) ** 2).mean())), rel=0.1)
    assert "miou" not in measured.values and not iou


def test_a_teacher_is_not_measured_blindfolded(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "load_checkpoint", lambda path: fresh(["rgb", "depth"], ["semantic"]))
    folder = write_folder(tmp_path / "blind")
    shutil.rmtree(folder.root / "depth")
    with pytest.raises(ConfigurationError, match=r"teacher\.ckpt looks at depth, which no frame of .*blind has"):
        evaluation.evaluate_file(Path("teacher.ckpt"), Source(folder, folder.names()))


def test_a_teacher_has_no_input_whose_size_could_be_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "load_checkpoint", lambda path: fresh(["rgb", "depth"], ["semantic"]))
    folder = write_folder(tmp_path / "balls")
    with pytest.raises(ConfigurationError, match=r"48x64 would be a robot's input, and teacher\.ckpt has none: "):
        evaluation.evaluate_file(Path("teacher.ckpt"), Source(folder, folder.names()), (48, 64))
