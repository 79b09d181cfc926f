"""What messages hold, as numpy: pixels, colours, stamps.

Any object with a message's fields will do, such as those that rosbags reads from a file; ROS is not needed.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mtl_perception.picture import PictureError, decode_picture

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from sensor_msgs.msg import CompressedImage, Image

_LAYOUT: dict[str, tuple[type, int]] = {
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "rgba8": (np.uint8, 4),
    "bgra8": (np.uint8, 4),
    "mono8": (np.uint8, 1),
    "16UC1": (np.uint16, 1),
    "32FC1": (np.float32, 1),
}
"""Encodings whose pixels numpy reads in place: element type and channels."""

DEPTH_ENCODINGS = ("32FC1", "16UC1")
"""Metres, and millimetres (REP 118)."""

_TO_RGB = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
}

_YUV420 = {"nv12": cv2.COLOR_YUV2RGB_NV12, "nv21": cv2.COLOR_YUV2RGB_NV21}
_SAYS_NO_COLOR = re.compile(r"[0-9]+[USF](C[0-9]+)?")
"""Encodings by element type and channels alone, such as 8UC3."""


class MessageError(ValueError):
    """A message does not hold what its own fields say, or is of a kind that has no use here."""


def array_from_image(msg: Image) -> np.ndarray:
    """The pixels of ``msg`` without copying, for the encodings of 8-bit colour and of depth.

    Returns:
        (H, W) or (H, W, C) in the element type of the encoding, native byte order; a read-only view with
        the row stride of the message, or a copy where its byte order is not this machine's.

    Raises:
        MessageError: no pixels, fewer bytes than ``height * step``, a ``step`` shorter than a row,
            or another encoding.
    """
    if msg.encoding not in _LAYOUT:
        raise MessageError(f"encoding {msg.encoding!r} is none of {', '.join(_LAYOUT)}")
    dtype, channels = _LAYOUT[msg.encoding]
    element = np.dtype(dtype).newbyteorder(">" if msg.is_bigendian else "<")
    row = msg.width * channels * element.itemsize
    _check_size(msg, row)
    shape: tuple[int, ...] = (msg.height, msg.width)
    strides: tuple[int, ...] = (msg.step, channels * element.itemsize)
    if channels > 1:
        shape, strides = (*shape, channels), (*strides, element.itemsize)
    pixels = np.ndarray(shape, element, msg.data, strides=strides)
    pixels.flags.writeable = False
    return pixels if element.isnative else pixels.astype(dtype)


def rgb_from_image(msg: Image) -> np.ndarray:
    """The colours of ``msg``, (H, W, 3) uint8 RGB; a view where the message is rgb8.

    Encodings beyond the usual ones (Bayer, YUV, 16 bits, ...) go through cv_bridge where ROS has it
    and through rosbags-image elsewhere.

    Raises:
        MessageError: as ``array_from_image``, or the image is depth, or nothing can convert it.
    """
    if msg.encoding in DEPTH_ENCODINGS:
        raise MessageError(f"encoding {msg.encoding} is depth, not colour: remap `image` to a colour topic")
    if msg.encoding in _YUV420:
        return _rgb_from_yuv420(msg)
    if msg.encoding not in _LAYOUT:
        return _convert(msg)
    pixels = array_from_image(msg)
    return pixels if msg.encoding == "rgb8" else cv2.cvtColor(pixels, _TO_RGB[msg.encoding])


def rgb_from_compressed(msg: CompressedImage) -> np.ndarray:
    """The colours of a JPEG or PNG ``msg``, (H, W, 3) uint8 RGB.

    Raises:
        MessageError: no bytes, a damaged or cut-off image, or depth.
    """
    # "compressedDepth" follows the encoding, or 16-bit depth was compressed as any picture.
    encoding = msg.format.partition(";")[0].strip()
    if encoding in DEPTH_ENCODINGS or "compressedDepth" in msg.format:
        raise MessageError(f"format {msg.format!r} is depth, not colour: remap `image` to a colour topic")
    is_mosaic = encoding.startswith("bayer_")
    try:
        image = decode_picture(bytes(msg.data), cv2.IMREAD_UNCHANGED if is_mosaic else cv2.IMREAD_COLOR)
    except PictureError as error:
        raise MessageError(f"{error} (format {msg.format!r})") from error
    if is_mosaic:
        mosaic = SimpleNamespace(
            height=image.shape[0],
            width=image.shape[1],
            encoding=encoding,
            is_bigendian=False,
            step=image.strides[0],
            data=image.astype(image.dtype.newbyteorder("<")).tobytes(),
        )
        return rgb_from_image(mosaic)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def nanoseconds_of(stamp: Time) -> int:
    """``stamp`` as a number: rclpy's own Time refuses negative ones, which a message may well hold."""
    return stamp.sec * 10**9 + stamp.nanosec


def _check_size(msg: Image, row: int, rows: int | None = None) -> None:
    """Check that ``msg`` has pixels, and bytes for ``rows`` (its height, when None) of ``row`` bytes."""
    if not msg.height or not msg.width:
        raise MessageError(f"image is {msg.width}x{msg.height}: no pixels")
    if msg.step < row:
        raise MessageError(f"step {msg.step} is shorter than a row of {msg.width} pixels {msg.encoding} ({row} bytes)")
    rows = msg.height if rows is None else rows
    if len(msg.data) < rows * msg.step:
        raise MessageError(f"image has {len(msg.data)} bytes, {rows} rows of step {msg.step} need {rows * msg.step}")


def _rgb_from_yuv420(msg: Image) -> np.ndarray:
    """Colours of a picture whose rows of brightness are followed by half as many of colour; no library reads these."""
    rows = msg.height + msg.height // 2
    _check_size(msg, msg.width, rows)
    planes = np.ndarray((rows, msg.width), np.uint8, msg.data, strides=(msg.step, 1))
    try:
        return cv2.cvtColor(planes, _YUV420[msg.encoding])
    except cv2.error as error:
        raise MessageError(f"image {msg.encoding} is {msg.width}x{msg.height}: sides must be even") from error


def _convert(msg: Image) -> np.ndarray:
    """An unusual encoding to RGB by whichever library is there."""
    _check_size(msg, 0)
    if _SAYS_NO_COLOR.fullmatch(msg.encoding):
        raise MessageError(
            f"{msg.encoding!r} cannot be converted to colour: it does not say which channel is which; "
            "have the driver publish rgb8, bgr8 or mono8"
        )
    try:
        from cv_bridge import CvBridge
    except ImportError:
        return _convert_without_ros(msg)
    try:
        return CvBridge().imgmsg_to_cv2(msg, "rgb8")
    except Exception as error:  # cv_bridge raises what its C++ side raises
        raise _not_convertible(msg, error) from error


def _convert_without_ros(msg: Image) -> np.ndarray:
    from rosbags.image import ImageError, image_to_cvimage
    from rosbags.image.image import to_cvtype

    try:
        _, _, element, channels = to_cvtype(msg.encoding)
        row = msg.width * channels * np.dtype(element).itemsize
        _check_size(msg, row)
        # The library takes rows to be packed.
        rows = np.frombuffer(msg.data, np.uint8, msg.height * msg.step).reshape(msg.height, msg.step)[:, :row]
        packed = SimpleNamespace(
            height=msg.height,
            width=msg.width,
            encoding=msg.encoding,
            is_bigendian=msg.is_bigendian,
            data=np.ascontiguousarray(rows),
        )
        return image_to_cvimage(packed, "rgb8")
    except (ImageError, cv2.error) as error:
        raise _not_convertible(msg, error) from error


def _not_convertible(msg: Image, error: Exception) -> MessageError:
    reason = " ".join(str(error).split())  # OpenCV's goes over several lines
    return MessageError(f"{msg.width}x{msg.height} {msg.encoding!r} cannot be converted to colour: {reason}")
