"""What a CameraInfo says of the image beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mtl_perception.dataset_folder import Intrinsics

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo


def carries_rectified(topic: str) -> bool:
    """Whether images on ``topic`` are rectified, by the names CameraInfo.msg gives: image_rect, image_rect_color."""
    return any(part.startswith("image_rect") for part in topic.split("/"))  # a transport follows: .../compressed


def intrinsics_of(info: CameraInfo, height: int, width: int, *, rectified: bool = False) -> Intrinsics | None:
    """The pinhole camera of an image, or None when uncalibrated (K is zero).

    K describes the raw image, P the rectified one, and the two focal lengths differ: by some percent after a
    monocular calibration, by more in a stereo pair. image_proc publishes image_rect beside the one CameraInfo of
    the raw image, so the message alone does not tell which image it comes with; the topic's name does. An image
    without distortion has nothing to be rectified (image_proc hands it on as it is), so P holds for it too, as
    image_geometry and with it depth_image_proc take it. Where P is left zero, as some drivers do, K is all there is.

    Args:
        info: of the camera.
        height, width: pixels of the image, which may have been resized.
        rectified: the image is, see ``carries_rectified``.
    """
    raw = _pinhole(info.k, info, height, width)
    if raw is None or (any(info.d) and not rectified):
        return raw
    return _pinhole(info.p, info, height, width) or raw


def scaled_camera_info(info: CameraInfo, height: int, width: int) -> CameraInfo:
    """A copy of ``info`` for its image resized to ``height`` x ``width``: K and P scaled, region of interest resolved.

    ``info`` speaks of the full sensor; its image is the region of interest (all, when zero) after
    binning. The copy has neither, and says the same of the resized image directly.
    """
    result = type(info)()
    result.header = info.header
    result.height, result.width = height, width
    result.distortion_model, result.d, result.r = info.distortion_model, info.d, info.r
    result.k = _scaled_matrix(info.k, info, height, width)
    result.p = _scaled_matrix(info.p, info, height, width)
    return result


def _pinhole(matrix: Sequence[float], info: CameraInfo, height: int, width: int) -> Intrinsics | None:
    """The camera of K or P, or None where its focal lengths make no sense."""
    first, second, _ = np.reshape(_scaled_matrix(matrix, info, height, width), (3, -1)).tolist()
    fx, cx, fy, cy = first[0], first[2], second[1], second[2]
    usable = all(map(math.isfinite, (fx, fy, cx, cy))) and fx > 0 and fy > 0
    return Intrinsics(fx, fy, cx, cy) if usable else None


def _scaled_matrix(matrix: Sequence[float], info: CameraInfo, height: int, width: int) -> list[float]:
    """``matrix``, K or P of ``info`` row by row, for its image resized to ``height`` x ``width``."""
    first, second, third = np.reshape(matrix, (3, -1)).tolist()
    roi = info.roi
    for row, size, original, offset in (
        (first, width, roi.width or info.width, roi.x_offset),
        (second, height, roi.height or info.height, roi.y_offset),
    ):
        scale = size / original if original else 1.0
        calibrated = third[2] != 0  # else all is zero, and to stay so
        if calibrated:
            row[2] -= offset
        row[:] = [value * scale for value in row]
        if calibrated:
            # Pixel centres lie at whole numbers, so the principal point moves with half a pixel.
            row[2] += (scale - 1) / 2
    return first + second + third
