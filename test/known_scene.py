"""A wall and a box whose every point is known, as a pinhole camera sees them: what clouds are measured against."""

from __future__ import annotations

import numpy as np

WALL_NORMAL = np.array([0.3, -0.2, 1.0]) / np.linalg.norm([0.3, -0.2, 1.0])
"""Of a wall that stands askew; its points p obey WALL_NORMAL @ p == WALL_DISTANCE."""
WALL_DISTANCE = 3.0
BOX = np.array([[0.30, 0.20, 1.20], [0.70, 0.50, 1.80]])
"""Corners of a box with its front across the view, metres: x right, y down, z forward."""
WALL, FRONT, SIDE = 0, 1, 2


def depth_of_scene(matrix: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (H, W) in metres at the pixels ``columns`` (W,) and ``rows`` (H,) of a camera, and what is seen there."""
    u, v = np.meshgrid(columns, rows)
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(matrix).T  # of unit z: lengths along them are depths
    wall = WALL_DISTANCE / (rays @ WALL_NORMAL)
    with np.errstate(divide="ignore"):
        planes = BOX / rays[..., None, :]
    enters = planes.min(-2)
    entry = enters.max(-1)
    hit = (entry < planes.max(-2).min(-1)) & (entry < wall)
    seen = np.where(hit, np.where(enters.argmax(-1) == 2, FRONT, SIDE), WALL)
    return np.where(hit, entry, wall), seen


def check_scene(points: np.ndarray, seen: np.ndarray, footprint: float, tolerance: float) -> None:
    """Assert that the wall is flat and where it is, and that the box has its size.

    Args:
        points: (H, W, 3) metres.
        seen: (H, W) as ``depth_of_scene`` gives it.
        footprint: of a pixel on the box's front, metres: no edge can be known better.
        tolerance: of depth, metres.
    """
    wall = points[seen == WALL].astype(float)
    assert np.abs(wall @ WALL_NORMAL - WALL_DISTANCE).max() < tolerance
    centred = wall - wall.mean(0)
    _, spreads, axes = np.linalg.svd(centred, full_matrices=False)
    assert spreads[2] / np.sqrt(len(wall)) < tolerance  # flat, wherever it is
    assert abs(axes[2] @ WALL_NORMAL) > 1 - 1e-5
    front = points[seen == FRONT].astype(float)
    assert np.abs(front[:, 2] - BOX[0, 2]).max() < tolerance
    for axis in (0, 1):
        low, high = front[:, axis].min(), front[:, axis].max()
        assert BOX[0, axis] - 1e-6 <= low < BOX[0, axis] + footprint, axis
        assert BOX[1, axis] - footprint < high <= BOX[1, axis] + 1e-6, axis
