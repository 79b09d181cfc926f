"""Depth as it is stored, uint16 millimetres with 0 unknown, from what cameras send."""

from __future__ import annotations

import struct

import cv2
import numpy as np

from mtl_perception.depth_units import LARGEST, depth_units
from mtl_perception.picture import PictureError, decode_picture

_HEADER = struct.Struct("<iff")
"""What stands before the picture in a compressedDepth message: its kind and the two numbers of inverse depth."""


class DepthError(ValueError):
    """Depth that is not what it says it is, or is of a kind that has no use here."""


def millimetres_of_metres(metres: np.ndarray) -> np.ndarray:
    """(H, W) uint16 millimetres of (H, W) float metres.

    What is not known, or cannot be stored, is 0 (``depth_units``).

    Raises:
        DepthError: the values can only be millimetres.
    """
    metres = np.asarray(metres, np.float32)
    result = depth_units(metres, 1000)
    if not result.any():
        beyond = metres[np.isfinite(metres) & (metres > 0)]
        if beyond.size > metres.size / 10 and np.median(beyond) <= LARGEST:
            raise DepthError(
                f"32FC1 is metres (REP 118), and half of these are beyond {np.median(beyond):.0f} m: "
                "the camera seems to send millimetres; have it publish 16UC1"
            )
    return result


def decode_compressed_depth(kind: str, data: bytes) -> tuple[np.ndarray, bytes | None]:
    """Depth of a message of the transport compressedDepth.

    Args:
        kind: the message's ``format``, such as ``"16UC1; compressedDepth png"``.
        data: its bytes: 12 of header, then a PNG.

    Returns:
        (H, W) uint16 millimetres, and the bytes of a PNG that holds just these, or None where there is none: 32FC1 is
        sent as inverse depth.

    Raises:
        DepthError: damaged, or of another kind.
    """
    encoding, _, transport = (part.strip() for part in kind.partition(";"))
    if "compressedDepth" not in transport:
        raise DepthError(f"format {kind!r} is not compressedDepth: name the topic that ends in /compressedDepth")
    if "rvl" in transport.lower():
        raise DepthError(f"format {kind!r} cannot be read: set the driver's compressedDepth format to png")
    if encoding not in ("16UC1", "32FC1"):
        raise DepthError(f"depth is 16UC1 (millimetres) or 32FC1 (metres), not {encoding!r}")
    if len(data) <= _HEADER.size:
        raise DepthError(f"compressedDepth of {len(data)} bytes has no picture")
    picture = data[_HEADER.size :]
    try:
        pixels = decode_picture(picture, cv2.IMREAD_UNCHANGED)
    except PictureError as error:
        raise DepthError(str(error)) from error
    if pixels.ndim != 2 or pixels.dtype != np.uint16:
        raise DepthError(f"compressedDepth holds {pixels.dtype} of shape {pixels.shape}, not one channel of 16 bits")
    if encoding == "16UC1":
        return pixels, picture
    _, scale, offset = _HEADER.unpack(data[: _HEADER.size])
    with np.errstate(divide="ignore", invalid="ignore"):
        metres = np.float32(scale) / (pixels.astype(np.float32) - np.float32(offset))
    return millimetres_of_metres(np.where(pixels > 0, metres, np.nan)), None
