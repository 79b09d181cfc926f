"""First task features and predictions at one scale of MTI-Net (Vandenhende 2020, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.models.blocks import BasicBlock
from training.models.tasks import DenseTask


class InitialPrediction(nn.Module):
    """Per task two residual blocks, and a 1x1 convolution for the prediction.

    Args:
        tasks: the tasks.
        inputs: channels coming in, the same for every task.
        width: channels of the task features.
    """

    def __init__(self, tasks: Sequence[DenseTask], inputs: int, width: int) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.refine = nn.ModuleDict(
            {t.name: nn.Sequential(BasicBlock(inputs, width), BasicBlock(width, width)) for t in tasks}
        )
        self.predict = nn.ModuleDict({t.name: prediction_layer(t, width) for t in tasks})

    def forward(self, inputs: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Task features and predictions.

        Args:
            inputs: per task (B, ``inputs``, h, w).

        Returns:
            Per task the features (B, ``width``, h, w) and the prediction (B, task channels, h, w).
        """
        features = {t.name: self.refine[t.name](inputs[t.name]) for t in self.tasks}
        predictions = {t.name: t.activate(self.predict[t.name](features[t.name])) for t in self.tasks}
        return features, predictions


def prediction_layer(task: DenseTask, width: int) -> nn.Conv2d:
    """The 1x1 convolution that ends a head, biased to start from a plausible prediction."""
    layer = nn.Conv2d(width, task.channels, 1)
    nn.init.normal_(layer.weight, std=0.01)
    with torch.no_grad():
        layer.bias.copy_(task.initial_bias())
    return layer
