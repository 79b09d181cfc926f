"""Surface normals of a depth map: planes fitted to the inverse of depth."""

from __future__ import annotations

import cv2
import numpy as np

from mtl_perception.dataset_folder import Intrinsics

LARGEST_RESIDUAL = 0.01
"""Root mean square distance of a window's inverse depths from their plane, over their mean, above which the window
holds more than one surface; a step of about 4 % of the distance is."""
LEAST_KNOWN = 0.5
"""Share of a window whose depth must be known."""


def normals_of_depth(depth: np.ndarray, camera: Intrinsics) -> np.ndarray:
    """Unit normals that face the camera, of the plane that fits a window around each pixel best.

    With x = (u - cx) / fx and y = (v - cy) / fy, a plane n . P = -d seen at P = Z (x, y, 1) has
    1/Z = -n . (x, y, 1) / d. It is linear in the pixel: a linear least-squares fit of 1/Z is exact for planes at any
    slant, and needs no more than means over windows. Holes do not count in a window. Where a window holds an edge of
    depth the fit is bad, and no normal is given rather than one of a surface that is not there.

    Args:
        depth: (H, W) metres along the optical axis, 0 = unknown.
        camera: of these pixels.

    Returns:
        (H, W, 3) float32 in camera axes (x right, y down, z forward), a wall ahead is (0, 0, -1); all 0 where unknown:
        in holes, at edges of depth, and where less than half of the window is known.
    """
    side = window(depth.shape[1])
    known = depth > 0
    inverse = np.where(known, 1 / np.where(known, depth, 1), 0).astype(np.float64)
    height, width = depth.shape
    x = np.broadcast_to((np.arange(width) - camera.cx) / camera.fx, depth.shape)
    y = np.broadcast_to(((np.arange(height) - camera.cy) / camera.fy)[:, None], depth.shape)
    weight = known.astype(np.float64)
    # Outside of the image nothing is known.
    share = cv2.boxFilter(weight, -1, (side, side), borderType=cv2.BORDER_CONSTANT)
    some = np.maximum(share, 1e-9)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(weight * values, -1, (side, side), borderType=cv2.BORDER_CONSTANT) / some

    mean_x, mean_y, mean_w = mean(x), mean(y), mean(inverse)
    xx, yy, xy = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2, mean(x * y) - mean_x * mean_y
    xw, yw = mean(x * inverse) - mean_x * mean_w, mean(y * inverse) - mean_y * mean_w
    ww = mean(inverse * inverse) - mean_w**2
    determinant = xx * yy - xy * xy
    # Neighbours in one row only, or in one point, say nothing of a plane.
    spread = determinant > 1e-3 / (camera.fx * camera.fy) ** 2
    safe = np.where(spread, determinant, 1)
    a, b = (xw * yy - yw * xy) / safe, (yw * xx - xw * xy) / safe
    c = mean_w - a * mean_x - b * mean_y
    residual = np.sqrt(np.maximum(ww - a * xw - b * yw, 0))
    good = known & spread & (share >= LEAST_KNOWN) & (residual <= LARGEST_RESIDUAL * mean_w)
    normal = np.stack([-a, -b, -c], -1)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    good &= length[..., 0] > 0
    return np.where(good[..., None], normal / np.where(length > 0, length, 1), 0).astype(np.float32)


def window(width: int) -> int:
    """Side in pixels, odd, of the window of an image so wide: 5 at 320, 11 at 640, as noise is a share of the width."""
    return 2 * max(1, round(width / 128)) + 1
