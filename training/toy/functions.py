"""The two functions of the toy example, and the points at which they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

POINTS = 640
"""Points at which f1 is known."""
LABELLED = 160
"""Of these, the points at which f2 is known too."""
GRID = np.linspace(0.0, 1.0, 1001)
"""Where a trained network is measured."""


def f1(z: np.ndarray) -> np.ndarray:
    """The plentiful task (the paper's toy example, first equation); any shape, float64."""
    return np.sin(z) + np.sqrt(z) / 300.0 + 2 + 3 * np.sin(5 * z) * np.cos(2 * z)


def f2(z: np.ndarray) -> np.ndarray:
    """The scarce task (second equation); any shape, float64."""
    return np.cos(z / 3) + np.sqrt(z) / 200.0 + 1 - np.sin(3 * z) * np.cos(4 * z)


@dataclass(frozen=True)
class Points:
    """What a training may see, for S seeds at once.

    The labels of f2 that are hidden are not in here at all, so that no training can see them.

    Attributes:
        z: (S, POINTS, 1) float32, uniform in [0, 1].
        f1: (S, POINTS, 1) float32, at every point.
        f2: (S, LABELLED, 1) float32, at the first points only.
    """

    z: torch.Tensor
    f1: torch.Tensor
    f2: torch.Tensor


def draw_points(seeds: Sequence[int]) -> Points:
    """Each seed's own points; a seed's are the same whichever others are drawn with it."""
    z = np.stack([stream(seed, "points").random(POINTS) for seed in seeds])[..., None]
    return Points(as_tensor(z), as_tensor(f1(z)), as_tensor(f2(z[:, :LABELLED])))


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers of one seed for one purpose, independent of all others."""
    return np.random.default_rng([seed, *purpose.encode()])


def as_tensor(values: np.ndarray) -> torch.Tensor:
    """As float32, the type of all training."""
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
