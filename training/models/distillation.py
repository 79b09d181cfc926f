"""Distillation between the tasks' features of one scale (MTI-Net, section 3.3, after PAD-Net)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class MultiModalDistillation(nn.Module):
    """MMDM: each task adds, gated, what the other tasks know.

    out_t = F_t + sum over k != t of  conv3x3(F_k) * sigmoid(conv3x3(F_k))

    Both convolutions of a pair read the same features, so they run as one of twice the width.

    Args:
        names: the tasks' names.
        width: channels C of each task's features.
    """

    def __init__(self, names: Sequence[str], width: int) -> None:
        super().__init__()
        self.names = tuple(names)
        self.message = nn.ModuleDict(
            {
                target: nn.ModuleDict(
                    {s: nn.Conv2d(width, 2 * width, 3, padding=1, bias=False) for s in self.names if s != target}
                )
                for target in self.names
            }
        )

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Per task (B, C, h, w) in, the same out."""
        distilled = {}
        for target in self.names:
            total = features[target]
            for source, convolution in self.message[target].items():
                content, gate = convolution(features[source]).chunk(2, dim=1)
                total = total + content * torch.sigmoid(gate)
            distilled[target] = total
        return distilled
