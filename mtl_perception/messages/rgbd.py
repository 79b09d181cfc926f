"""Colour and depth messages as what is stored of them: pixels, and the files that they are already.

As in ``messages`` any objects with their fields will do: an Image is what has an ``encoding``.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from mtl_perception.depth_logger.alignment import View
from mtl_perception.depth_logger.depth_values import DepthError, decode_compressed_depth, millimetres_of_metres
from mtl_perception.messages.arrays import MessageError, array_from_image, rgb_from_compressed, rgb_from_image
from mtl_perception.messages.camera_info import camera_of

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo, CompressedImage, Image

_FILES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png"}
"""Suffix by the first bytes of the files that a data set may hold."""


def colour_of(message: Image | CompressedImage) -> tuple[np.ndarray, bytes | None, str]:
    """Colour of a message.

    Returns:
        (H, W, 3) uint8 RGB; the JPEG or PNG file the message holds, or None; and its suffix, or ``""``.

    Raises:
        MessageError: as ``rgb_from_image`` and ``rgb_from_compressed``.
    """
    if hasattr(message, "encoding"):
        return rgb_from_image(message), None, ""
    rgb = rgb_from_compressed(message)
    data = bytes(message.data)
    suffix = next((suffix for start, suffix in _FILES.items() if data.startswith(start)), "")
    # A mosaic's file shows a mosaic.
    if not suffix or message.format.startswith("bayer_"):
        return rgb, None, ""
    return rgb, data, suffix


def depth_of(message: Image | CompressedImage) -> tuple[np.ndarray, bytes | None]:
    """Depth of a message: 16UC1 (also called mono16) in millimetres, 32FC1 in metres, or either in compressedDepth.

    Returns:
        (H, W) uint16 millimetres, 0 unknown; and the PNG file of just that, where the message holds one.

    Raises:
        MessageError: it is damaged or no depth.
    """
    try:
        if not hasattr(message, "encoding"):
            return decode_compressed_depth(message.format, bytes(message.data))
        if message.encoding not in ("16UC1", "mono16", "32FC1"):
            raise MessageError(
                f"encoding {message.encoding!r} is not depth, which is 16UC1 (millimetres) or 32FC1 (metres): remap "
                "`depth` to a depth topic"
            )
        if message.encoding == "mono16":  # the same bytes under another name
            fields = ("height", "width", "is_bigendian", "step", "data")
            message = SimpleNamespace(encoding="16UC1", **{name: getattr(message, name) for name in fields})
        pixels = array_from_image(message)
        return (millimetres_of_metres(pixels) if pixels.dtype == np.float32 else pixels), None
    except DepthError as error:
        raise MessageError(str(error)) from error


def predicted_metres(message: Image) -> np.ndarray:
    """Depth that the perception node publishes, 32FC1 or 16UC1: (H, W) float32 metres, 0 or not finite unknown.

    Raises:
        MessageError: it is damaged or no depth.
    """
    if message.encoding not in ("32FC1", "16UC1"):
        raise MessageError(f"encoding {message.encoding!r} is not depth")
    pixels = array_from_image(message)
    return pixels if pixels.dtype == np.float32 else pixels.astype(np.float32) / 1000


def view_of(
    message: Image | CompressedImage, info: CameraInfo | None, height: int, width: int, *, rectified: bool
) -> View:
    """The camera of an image of ``height`` x ``width``, whose camera_info is ``info``.

    Args:
        message: the image.
        info: the latest of its camera, if any.
        height, width: pixels of the image.
        rectified: the image is, see ``carries_rectified``.
    """
    camera = camera_of(info, height, width, rectified=rectified) if info is not None else None
    return View(message.header.frame_id, width, height, camera)
