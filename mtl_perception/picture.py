"""Decode compressed pictures, refusing those that are damaged."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_START_OF_SCAN = 0xDA
_PNG_START = b"\x89PNG\r\n\x1a\n"


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
    if _is_broken_png(data):
        raise PictureError(f"PNG of {len(data)} bytes is cut off or damaged")
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


def _is_broken_png(data: bytes) -> bool:
    """Whether a chunk of this PNG is missing or has a wrong checksum (PNG standard, 5.3).

    Not all versions of OpenCV look at all of them, and what they find they print.
    """
    if not data.startswith(_PNG_START):
        return False
    position, kind = len(_PNG_START), b""
    while kind != b"IEND":
        if position + 12 > len(data):
            return True
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data) or struct.unpack_from(">I", data, end)[0] != zlib.crc32(data[position + 4 : end]):
            return True
        position = end + 4
    return False
