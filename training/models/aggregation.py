"""The final head of one task: the four scales joined (MTI-Net, section 3.5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.blocks import resize_to
from training.models.initial_prediction import prediction_layer
from training.models.tasks import DenseTask


class FeatureAggregation(nn.Module):
    """All scales at stride 4, concatenated, 1x1 convolution with batch norm and ReLU, 1x1 convolution.

    A 1x1 convolution and a bilinear resize commute, and a 1x1 convolution of a concatenation is the
    sum of one per part. So each scale is convolved where it is small, then resized and summed: the same
    numbers with less work.

    Args:
        task: the task.
        widths: channels of the four scales' features, finest first.
    """

    def __init__(self, task: DenseTask, widths: Sequence[int]) -> None:
        super().__init__()
        self.task = task
        hidden = sum(widths)
        self.parts = nn.ModuleList(nn.Conv2d(width, hidden, 1, bias=False) for width in widths)
        self.norm = nn.BatchNorm2d(hidden)
        self.predict = prediction_layer(task, hidden)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """(B, ``widths[i]``, H / s, W / s) for s = 4, 8, 16, 32 to (B, task channels, H / 4, W / 4)."""
        size = features[0].shape[-2:]
        # The finest last: inference libraries add the rest as they convolve it.
        coarse = [resize_to(part(f), size) for part, f in zip(self.parts[1:], features[1:], strict=True)]
        total = self.parts[0](features[0]) + sum(coarse[1:], coarse[0])
        return self.task.activate(self.predict(F.relu(self.norm(total), inplace=True)))

    @torch.no_grad()
    def fold_norm(self) -> None:
        """Put the batch norm, as it is in evaluation, into the convolutions: the same numbers, one pass less.

        Inference libraries do so for a convolution alone, not for a sum of them.
        """
        norm = self.norm
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        for part in self.parts:
            part.weight.mul_(scale[:, None, None, None])
        self.parts[0].bias = nn.Parameter(norm.bias - norm.running_mean * scale)
        self.norm = nn.Identity()
