"""What a dense task asks of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from training.datasets.derived.sources import EDGES, NORMALS, OFFSETS
from training.errors import ConfigurationError

DEPTH = "depth"
SEMANTIC = "semantic"

TYPICAL_INDOOR_DEPTH = 2.5
"""Metres a fresh network predicts everywhere."""


@dataclass(frozen=True)
class DenseTask:
    """One map a network predicts: its name and its number of channels.

    Depth is ``softplus`` of the last convolution: positive without a ceiling, and nearly linear from
    half a metre on, so that the L1 loss pulls on near and far pixels alike, where the exponential of a
    predicted log depth would pull harder the farther a pixel is and blow up early in training.
    Normals are of length 1. Every other task is left as the convolution gives it: scores of classes, the logit of an
    edge, offsets in widths of the working size.
    """

    name: str
    channels: int

    def activate(self, x: Tensor) -> Tensor:
        """Turn the last convolution's (B, ``channels``, H, W) into the task's own unit."""
        if self.name == DEPTH:
            return F.softplus(x)
        return F.normalize(x, dim=1) if self.name == NORMALS else x

    def initial_bias(self) -> Tensor:
        """(``channels``,) biases of the last convolution that make a fresh network predict something plausible.

        Without that of normals, their length would be near 0, where a small step turns them right round.
        """
        bias = torch.zeros(self.channels)
        if self.name == DEPTH:
            bias[0] = torch.tensor(TYPICAL_INDOOR_DEPTH).expm1().log()
        elif self.name == NORMALS:
            bias[2] = -1.0  # A wall ahead.
        elif self.name == EDGES:
            bias[0] = -2.0  # One pixel in eight.
        return bias


def dense_tasks(names: Sequence[str], classes: int) -> list[DenseTask]:
    """The tasks of those names: metric ``depth``, ``semantic`` with ``classes`` classes, and the derived ones.

    Raises:
        ConfigurationError: an unknown name.
    """
    channels = {DEPTH: 1, SEMANTIC: classes, NORMALS: 3, EDGES: 1, OFFSETS: 2}
    unknown = [name for name in names if name not in channels]
    if unknown:
        raise ConfigurationError(f"unknown task {unknown[0]!r}; known: {', '.join(channels)}")
    return [DenseTask(name, channels[name]) for name in names]
