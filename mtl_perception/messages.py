"""Between messages and numpy: images, depth values by REP 117 and 118, point clouds, stamps."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header

from mtl_perception.dataset_folder import Intrinsics
from mtl_perception.picture import PictureError, decode_picture

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

_DEPTH = ("32FC1", "16UC1")
_LARGEST_16UC1 = 65.535
"""Metres."""

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
    if msg.encoding in _DEPTH:
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
    if encoding in _DEPTH or "compressedDepth" in msg.format:
        raise MessageError(f"format {msg.format!r} is depth, not colour: remap `image` to a colour topic")
    is_mosaic = encoding.startswith("bayer_")
    try:
        image = decode_picture(bytes(msg.data), cv2.IMREAD_UNCHANGED if is_mosaic else cv2.IMREAD_COLOR)
    except PictureError as error:
        raise MessageError(f"{error} (format {msg.format!r})") from error
    if is_mosaic:
        return rgb_from_image(image_from_array(image, encoding, msg.header))
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def image_from_array(pixels: np.ndarray, encoding: str, header: Header) -> Image:
    """An Image of ``pixels``, (H, W) or (H, W, C) of the encoding's element type, under ``header``."""
    msg = Image()
    msg.header = header
    msg.height, msg.width = pixels.shape[:2]
    msg.encoding = encoding
    msg.is_bigendian = sys.byteorder == "big"
    msg.step = pixels[0].nbytes
    _fill(msg, pixels)
    return msg


def depth_image(depth: np.ndarray, encoding: str, header: Header, nearest: float, farthest: float) -> Image:
    """A depth Image by REP 117 and REP 118.

    Args:
        depth: (H, W) float32 metres; NaN where unknown. Changed in place: -inf where nearer than ``nearest``,
            +inf where farther than ``farthest``.
        encoding: ``"32FC1"`` (metres, as they are) or ``"16UC1"`` (millimetres; 0 where unknown, out of range
            or beyond 65.535 m).
        header: header of the image the depth belongs to.
        nearest, farthest: range the depth can be trusted in, metres.
    """
    if encoding not in _DEPTH:
        raise MessageError(f"depth is encoded as {' or '.join(_DEPTH)}, not {encoding!r}")
    # NaN compares false with both: it stays.
    depth[depth < nearest] = -np.inf
    depth[depth > farthest] = np.inf
    if encoding == "32FC1":
        return image_from_array(depth, encoding, header)
    known = np.isfinite(depth) & (depth <= _LARGEST_16UC1)
    millimetres = np.rint(np.where(known, depth, 0) * 1000).astype(np.uint16)
    return image_from_array(millimetres, encoding, header)


def point_cloud(depth: np.ndarray, rgb: np.ndarray, camera: Intrinsics, header: Header) -> PointCloud2:
    """An organised cloud (one point a pixel, NaN where depth is not finite), x right, y down, z forward, metres.

    Args:
        depth: (H, W) float32 metres.
        rgb: (H, W, 3) uint8 RGB, the points' colours.
        camera: of this image size.
        header: header of the image; its frame is the camera's optical frame.
    """
    height, width = depth.shape
    points = np.empty((height, width), dtype=[("xyz", np.float32, 3), ("rgb", np.uint32)])
    z = np.where(np.isfinite(depth), depth, np.float32(np.nan))
    points["xyz"][..., 0] = (np.arange(width, dtype=np.float32) - np.float32(camera.cx)) / np.float32(camera.fx) * z
    points["xyz"][..., 1] = ((np.arange(height, dtype=np.float32) - np.float32(camera.cy)) / np.float32(camera.fy))[
        :, None
    ] * z
    points["xyz"][..., 2] = z
    channels = rgb.astype(np.uint32)
    points["rgb"] = channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
    msg = PointCloud2()
    msg.header = header
    msg.height, msg.width = height, width
    msg.fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(("x", "y", "z", "rgb"))
    ]
    msg.is_bigendian = sys.byteorder == "big"
    msg.point_step = points.itemsize
    msg.row_step = points.itemsize * width
    msg.is_dense = False
    _fill(msg, points)
    return msg


def nanoseconds_of(stamp: Time) -> int:
    """``stamp`` as a number: rclpy's own Time refuses negative ones, which a message may well hold."""
    return stamp.sec * 10**9 + stamp.nanosec


def stamp_of(nanoseconds: int) -> Time:
    """The stamp that ``nanoseconds_of`` makes ``nanoseconds`` of."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return Time(sec=seconds, nanosec=rest)


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


def _fill(msg: Image | PointCloud2, values: np.ndarray) -> None:
    """Put the bytes of ``values`` into a new message, in one copy.

    Assigning to ``data`` copies once more, or, for most types, goes through the bytes one by one.
    """
    msg.data.frombytes(np.ascontiguousarray(values).view(np.uint8).data)
