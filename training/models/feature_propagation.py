"""Feature propagation from a coarse scale to the next finer one (MTI-Net, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.models.blocks import BasicBlock, SqueezeExcitation


class FeaturePropagation(nn.Module):
    """FPM: tasks share what they have at one scale before the next scale starts.

    The features of the N tasks are mixed, gated by a softmax over the tasks (each pixel and channel
    is shared out between them), reduced to one shared map, and each task takes from that map what a
    squeeze-and-excitation picks, added to its own features.

    Args:
        names: the tasks' names.
        width: channels C of each task's features.
    """

    def __init__(self, names: Sequence[str], width: int) -> None:
        super().__init__()
        self.names = tuple(names)
        joint = len(self.names) * width
        bottleneck = max(joint // 4, 8)
        self.mix = nn.Sequential(
            BasicBlock(joint, bottleneck), BasicBlock(bottleneck, bottleneck), nn.Conv2d(bottleneck, joint, 1)
        )
        self.share = BasicBlock(joint, width)
        self.select = nn.ModuleDict({name: SqueezeExcitation(width) for name in self.names})

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Per task (B, C, h, w) in, the same out."""
        joint = torch.cat([features[name] for name in self.names], 1)
        shared = self.share(joint * self._shares(self.mix(joint)))
        return {name: features[name] + self.select[name](shared) for name in self.names}

    def _shares(self, scores: Tensor) -> Tensor:
        """(B, N * C, h, w) to the same: of each channel's N tasks the softmax."""
        if len(self.names) == 2:  # Of two it is a sigmoid, which needs no pass over another layout.
            one, other = scores.chunk(2, 1)
            share = torch.sigmoid(one - other)
            return torch.cat([share, 1 - share], 1)
        batch, _, height, width = scores.shape
        return scores.view(batch, len(self.names), -1, height, width).softmax(1).reshape(scores.shape)
