"""What a dense task asks of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

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
    Every other task is left as the convolution gives it (class scores).
    """

    name: str
    channels: int

    def activate(self, x: Tensor) -> Tensor:
        """Turn the last convolution's (B, ``channels``, H, W) into the task's own unit."""
        return F.softplus(x) if self.name == DEPTH else x

    def initial_bias(self) -> float:
        """Bias of the last convolution that makes a fresh network predict something plausible."""
        return float(torch.tensor(TYPICAL_INDOOR_DEPTH).expm1().log()) if self.name == DEPTH else 0.0


def dense_tasks(names: Sequence[str], classes: int) -> list[DenseTask]:
    """The tasks of those names: metric ``depth``, ``semantic`` with ``classes`` classes.

    Raises:
        ConfigurationError: an unknown name.
    """
    channels = {DEPTH: 1, SEMANTIC: classes}
    unknown = [name for name in names if name not in channels]
    if unknown:
        raise ConfigurationError(f"unknown task {unknown[0]!r}; known: {', '.join(channels)}")
    return [DenseTask(name, channels[name]) for name in names]
