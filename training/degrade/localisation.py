"""What an inexact localisation does to poses."""

from __future__ import annotations

import cv2
import numpy as np

LOCALISATION = "localisation"
_DEGREES = 0.5
"""Error of direction for each centimetre of position."""


def wrong_pose(pose: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """A pose, (4, 4) camera-to-world, with errors of each frame's own: no drift, which frames near in time share.

    Args:
        pose: the true one.
        level: standard deviation along each axis, in centimetres, and about each axis in half degrees.
        rng: of the errors.
    """
    error = np.eye(4)
    error[:3, :3] = cv2.Rodrigues(rng.normal(0, np.deg2rad(_DEGREES * level), 3))[0]
    error[:3, 3] = rng.normal(0, level / 100, 3)
    return pose @ error
