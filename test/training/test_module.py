"""The training step's own: which parameters learn how fast, and which epoch is the best."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from training.datasets.sample import IGNORE
from training.module import PerceptionModule

CLASSES = {1: "wall", 2: "floor"}


def module(*tasks: str, **settings) -> PerceptionModule:
    return PerceptionModule(
        CLASSES, 64, 64, 50.0, "mobilenetv4_conv_small", head_widths=[8] * 4, tasks=tasks, **settings
    )


def test_the_backbone_learns_at_its_own_rate_and_only_weights_decay():
    trained = module("depth", learning_rate=0.2, backbone_learning_rate=0.1, weight_decay=0.3)
    trained._trainer = SimpleNamespace(precision="32-true", estimated_stepping_batches=20)
    groups = trained.configure_optimizers()["optimizer"].param_groups
    settings = {id(p): (group["max_lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    backbone = {id(p) for p in trained.network.backbone.parameters()}
    for parameter in trained.parameters():
        rate = 0.1 if id(parameter) in backbone else 0.2
        assert settings[id(parameter)] == (rate, 0.3 if parameter.ndim > 1 else 0.0)


class Constant(nn.Module):
    """A network that says the same of every picture."""

    def __init__(self, **final: torch.Tensor) -> None:
        super().__init__()
        self.final = final

    def forward(self, inputs: torch.Tensor) -> dict:
        return {"final": self.final}


def measured(tasks: list[str], labels: dict[str, torch.Tensor], **final: torch.Tensor) -> dict[str, float]:
    """What an epoch of one held-out frame logs."""
    logged: dict[str, float] = {}
    trained = module(*tasks)
    trained.network = Constant(**final)
    trained.log = lambda name, value, **_: logged.update({name: float(value)})
    trained.log_dict = lambda values, **_: logged.update(values)
    trained.validation_step({"image": torch.zeros(1, 3, 64, 64), **labels}, 0)
    trained.on_validation_epoch_end()
    return logged


def classes(right: int) -> torch.Tensor:
    """Scores at a quarter of the size: the first ``right`` of 16 rows are walls, the others floor."""
    scores = torch.zeros(1, 2, 16, 16)
    scores[:, 0, :right], scores[:, 1, right:] = 9, 9
    return scores


def test_the_better_epoch_has_the_higher_score():
    """Less error and more right, each alone."""
    truth = torch.ones(1, 64, 64, dtype=torch.long)
    truth[:, 32:] = 2
    labels = {"depth": torch.full((1, 64, 64), 2.0), "semantic": truth}

    def score(metres: float, right: int) -> float:
        return measured(
            ["depth", "semantic"], labels, depth=torch.full((1, 1, 16, 16), metres), semantic=classes(right)
        )["val/score"]

    assert score(2.0, 8) > score(2.5, 8) > score(3.0, 8)
    assert score(2.0, 8) > score(2.0, 6) > score(2.0, 2)
    assert score(2.5, 8) == pytest.approx(1 - 0.5, abs=0.1)  # The share of the classes, less metres.


def test_offsets_are_measured_in_pixels():
    right = torch.zeros(1, 2, 64, 64)
    right[:, 0] = 0.25  # A quarter of the width to the right.
    logged = measured(["offsets"], {"offsets": right}, offsets=torch.zeros(1, 2, 16, 16))
    assert logged["val/offset_error"] == pytest.approx(16)
    nearer = measured(["offsets"], {"offsets": right}, offsets=torch.full((1, 2, 16, 16), 0.2))
    assert nearer["val/score"] > logged["val/score"]


def test_pixels_without_a_class_are_not_measured():
    truth = torch.full((1, 64, 64), IGNORE)
    truth[:, :16] = 1
    labels = {"semantic": truth}
    assert measured(["semantic"], labels, semantic=classes(4))["val/miou_present"] == pytest.approx(1)
