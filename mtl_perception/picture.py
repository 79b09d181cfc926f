"""Decode compressed pictures, refusing those that are damaged."""

from __future__ import annotations

import cv2
import numpy as np

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_START_OF_SCAN = 0xDA


class PictureError(ValueError):
    """Bytes that are no picture, or only the beginning of one."""


def decode_picture(data: bytes, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """The pixels of a JPEG, PNG or other picture OpenCV can read.

    Args:
        data: content of the file.
        flags: OpenCV's, what to make of it.

    Returns:
        As ``cv2.imdecode``: by default (H, W, 3) uint8 in the order blue, green, red.

    Raises:
        PictureError: no bytes, no picture, or a damaged or cut-off one.
    """
    if not data:
        raise PictureError("picture of 0 bytes")
    if _is_cut_off_jpeg(data):
        raise PictureError(f"JPEG of {len(data)} bytes is cut off")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise PictureError(f"picture of {len(data)} bytes cannot be decoded: {error.err}") from error
    if image is None:
        raise PictureError(f"picture of {len(data)} bytes is damaged or of an unknown kind")
    return image


def _is_cut_off_jpeg(data: bytes) -> bool:
    """Whether this is a JPEG without its end, of which the decoder says nothing: it fills the rest with grey."""
    if not data.startswith(_JPEG_START):
        return False
    # An end before the scan belongs to the thumbnail in the header: step over the header's segments.
    position = len(_JPEG_START)
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != _START_OF_SCAN:
        filling = data[position + 1] == 0xFF
        position += 1 if filling else 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return data.find(_JPEG_END, position) < 0
