"""Frames for where there is no recording: speed does not depend on what they show."""

from __future__ import annotations

import cv2
import numpy as np


def made_frames(count: int, height: int, width: int) -> list[np.ndarray]:
    """Smooth coloured patterns, (height, width, 3) uint8 RGB, the same at each call."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 12, 16, 3), dtype=np.uint8)
    return [cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in coarse]
