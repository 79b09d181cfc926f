"""How far offsets to an object's centre end from it."""

from __future__ import annotations

import numpy as np


class OffsetMetrics:
    """End-point error over every pixel of an object, of all frames alike."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget every frame."""
        self.pixels = 0
        self._sum = 0.0

    def update(self, predicted: np.ndarray, target: np.ndarray) -> None:
        """Add a frame, or a batch: pixels (..., 2); the target's are NaN where there is no object."""
        known = np.isfinite(target).all(-1)
        self._sum += float(np.linalg.norm(predicted[known].astype(np.float64) - target[known], axis=-1).sum())
        self.pixels += int(known.sum())

    def compute(self) -> dict[str, float]:
        """``offset_error``: mean distance in pixels; NaN where no pixel shows an object."""
        return {"offset_error": self._sum / self.pixels if self.pixels else float("nan")}
