"""Decode compressed pictures, refusing those that are damaged."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_START_OF_SCAN = 0xDA
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of the segment that tells the size of a JPEG, by the way it is coded (ITU-T T.81, table B.1)."""
_PNG_START = b"\x89PNG\r\n\x1a\n"

MOST_PIXELS = 64_000_000
"""Twice what an 8K camera has. A file of some 100 kB may hold more than the memory does, and is seldom meant to."""


class PictureError(ValueError):
    """Bytes that are no picture, only the beginning of one, or one that is too large."""


def decode_picture(data: bytes, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """The pixels of a JPEG, PNG or other picture OpenCV can read.

    Args:
        data: content of the file.
        flags: OpenCV's, what to make of it.

    Returns:
        As ``cv2.imdecode``: by default (H, W, 3) uint8 in the order blue, green, red.

    Raises:
        PictureError: no bytes, no picture, a damaged or cut-off one, or a JPEG or PNG of more than ``MOST_PIXELS``.
    """
    if not data:
        raise PictureError("picture of 0 bytes")
    width, height = 0, 0
    if data.startswith(_JPEG_START):
        width, height, scan = _jpeg_header(data)
        # Of a missing end the decoder says nothing: it fills the rest with grey.
        if data.find(_JPEG_END, scan) < 0:
            raise PictureError(f"JPEG of {len(data)} bytes is cut off")
    elif data.startswith(_PNG_START):
        if _is_broken_png(data):
            raise PictureError(f"PNG of {len(data)} bytes is cut off or damaged")
        width, height = _png_size(data)
    if width * height > MOST_PIXELS:
        raise PictureError(f"picture of {width}x{height} is larger than the {MOST_PIXELS:,} pixels read: resize it")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise PictureError(f"picture of {len(data)} bytes cannot be decoded: {error.err}") from error
    if image is None:
        raise PictureError(f"picture of {len(data)} bytes is damaged or of an unknown kind")
    return image


def _jpeg_header(data: bytes) -> tuple[int, int, int]:
    """Width and height of a JPEG, 0 where it does not tell, and where its header ends."""
    # An end or a size before the scan may be of the thumbnail in the header: step over the header's segments.
    position, width, height = len(_JPEG_START), 0, 0
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != _START_OF_SCAN:
        if data[position + 1] == 0xFF:  # filling
            position += 1
            continue
        if data[position + 1] in _FRAME_HEADERS and position + 9 <= len(data):
            height, width = struct.unpack_from(">HH", data, position + 5)
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return width, height, position


def _png_size(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG, 0 where it does not tell."""
    return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else (0, 0)


def _is_broken_png(data: bytes) -> bool:
    """Whether a chunk of this PNG is missing or has a wrong checksum (PNG standard, 5.3).

    Not all versions of OpenCV look at all of them, and what they find they print.
    """
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
