"""How far normals point elsewhere than they should."""

from __future__ import annotations

import numpy as np

LIMITS = {"within_11": 11.25, "within_22": 22.5, "within_30": 30.0}
"""Figure to the angle in degrees below which it counts a pixel."""


def angles(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N,) degrees between unit normals (..., 3), at the pixels where the target is known (not all 0)."""
    known = (target != 0).any(-1)
    one, other = predicted[known].astype(np.float64), target[known].astype(np.float64)
    # The cosine of a small angle is too near 1 to tell it.
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other), axis=-1), (one * other).sum(-1)))


class NormalMetrics:
    """Mean angle, and shares of pixels below the customary angles, over every pixel of all frames alike."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget every frame."""
        self.pixels = 0
        self._sums = np.zeros(1 + len(LIMITS))

    def update(self, predicted: np.ndarray, target: np.ndarray) -> None:
        """Add a frame, or a batch: unit normals (..., 3); the target's are all 0 where unknown."""
        found = angles(predicted, target)
        self.pixels += found.size
        self._sums += [found.sum(), *(np.count_nonzero(found < limit) for limit in LIMITS.values())]

    def compute(self) -> dict[str, float]:
        """``normals_mean`` in degrees; ``normals_within_11``, ``_22``, ``_30``: shares; NaN without a known pixel."""
        names = ("normals_mean", *(f"normals_{name}" for name in LIMITS))
        means = self._sums / self.pixels if self.pixels else np.full(len(names), np.nan)
        return dict(zip(names, means.tolist(), strict=True))
