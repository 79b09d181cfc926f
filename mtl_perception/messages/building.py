"""Messages made of numpy: images, depth by REP 117 and 118, point clouds, stamps."""

from __future__ import annotations

import sys

import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import Header

from mtl_perception.depth_units import depth_units
from mtl_perception.messages.arrays import DEPTH_ENCODINGS, MessageError


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
    if encoding not in DEPTH_ENCODINGS:
        raise MessageError(f"depth is encoded as {' or '.join(DEPTH_ENCODINGS)}, not {encoding!r}")
    # NaN compares false with both: it stays.
    depth[depth < nearest] = -np.inf
    depth[depth > farthest] = np.inf
    if encoding == "32FC1":
        return image_from_array(depth, encoding, header)
    return image_from_array(depth_units(depth, 1000), encoding, header)


def point_cloud(depth: np.ndarray, rgb: np.ndarray, rays: tuple[np.ndarray, np.ndarray], header: Header) -> PointCloud2:
    """An organised cloud (one point a pixel, NaN where depth is not finite), x right, y down, z forward, metres.

    Args:
        depth: (H, W) float32 metres.
        rgb: (H, W, 3) uint8 RGB, the points' colours.
        rays: x and y at z = 1 where each pixel looks, as ``rays_of`` gives them; they broadcast to (H, W).
        header: header of the image; its frame is the camera's optical frame.
    """
    height, width = depth.shape
    points = np.empty((height, width), dtype=[("xyz", np.float32, 3), ("rgb", np.uint32)])
    z = np.where(np.isfinite(depth), depth, np.float32(np.nan))
    for axis, ray in enumerate(rays):
        np.multiply(ray, z, out=points["xyz"][..., axis])
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


def stamp_of(nanoseconds: int) -> Time:
    """The stamp that ``nanoseconds_of`` makes ``nanoseconds`` of."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return Time(sec=seconds, nanosec=rest)


def _fill(msg: Image | PointCloud2, values: np.ndarray) -> None:
    """Put the bytes of ``values`` into a new message, in one copy.

    Assigning to ``data`` copies once more, or, for most types, goes through the bytes one by one.
    """
    msg.data.frombytes(np.ascontiguousarray(values).view(np.uint8).data)
