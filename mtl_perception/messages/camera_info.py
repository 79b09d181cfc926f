"""What a CameraInfo says of the image beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mtl_perception.dataset_folder import Intrinsics
from mtl_perception.depth_logger.registration import Camera, pixel_rays
from mtl_perception.messages.arrays import MessageError

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo

_SAME_SHAPE = 0.02
"""Relative difference of a resized image's scales across and down that is put down to rounding."""


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


def camera_of(info: CameraInfo, height: int, width: int, *, rectified: bool = False) -> Camera | None:
    """The camera of an image with its distortion, which a rectified one has not; arguments as ``intrinsics_of``."""
    intrinsics = intrinsics_of(info, height, width, rectified=rectified)
    if intrinsics is None:
        return None
    return Camera(width, height, intrinsics, () if rectified else tuple(info.d), info.distortion_model)


@lru_cache(maxsize=1)  # undistorting takes longer than a frame has, and the camera stays the same
def rays_of(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels of ``camera`` look: x and y at z = 1, float32 that broadcast to (H, W).

    Raises:
        MessageError: the image is distorted by a model that is not known here.
    """
    if not camera.is_distorted:
        c = camera.intrinsics
        x = (np.arange(camera.width, dtype=np.float32) - np.float32(c.cx)) / np.float32(c.fx)
        return x, ((np.arange(camera.height, dtype=np.float32) - np.float32(c.cy)) / np.float32(c.fy))[:, None]
    if not camera.is_known:
        raise MessageError(
            f"the image is distorted by the model {camera.model!r} of {len(camera.distortion)} coefficients, which is "
            "not known here: use a rectified topic"
        )
    x, y, _ = pixel_rays(camera)
    return x, y


def another_shape(info: CameraInfo, height: int, width: int) -> str | None:
    """How it is told that an image of ``height`` x ``width`` is not that of ``info`` resized, or None where it may be.

    An image of another shape was cropped, and the message does not tell where: its focal length in pixels is unknown.
    """
    across = (info.roi.width or info.width) / max(info.binning_x, 1)
    down = (info.roi.height or info.height) / max(info.binning_y, 1)
    if not (across and down) or not (height and width):
        return None
    # Of a small image rounding is more.
    if abs(width * down / (height * across) - 1) <= max(_SAME_SHAPE, 1 / min(height, width)):
        return None
    return (
        f"of {across:.0f}x{down:.0f}, the image of {width}x{height}: it was cropped, and where is unknown; take the "
        "camera_info of this very image"
    )


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
