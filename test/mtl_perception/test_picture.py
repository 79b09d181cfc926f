"""Pictures are decoded up to a size; a larger one is refused by what its header says, before it takes memory."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from mtl_perception import picture
from mtl_perception.picture import PictureError, decode_picture

WIDTH, HEIGHT = 40, 24
PIXELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
KINDS = {
    "png": (".png", []),
    "jpeg": (".jpg", []),
    "progressive jpeg": (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
}


def encoded(kind: str) -> bytes:
    suffix, options = KINDS[kind]
    return cv2.imencode(suffix, PIXELS, options)[1].tobytes()


def huge_png(width: int, height: int) -> bytes:
    """A sound PNG, all black, of one bit a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(height * (1 + width // 8)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def huge_jpeg(width: int, height: int) -> bytes:
    """A JPEG that says it is of another size than it is."""
    data = bytearray(encoded("jpeg"))
    at = data.find(struct.pack(">HH", HEIGHT, WIDTH))
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize("make", [huge_png, huge_jpeg])
def test_a_small_file_of_a_huge_picture_is_not_decoded(monkeypatch, make):
    data = make(16_000, 9_000)
    assert len(data) < 100_000
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(PictureError, match="picture of 16000x9000 is larger than the 64,000,000 pixels read: resize"):
        decode_picture(data)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_decoded_up_to_the_limit(monkeypatch, kind):
    monkeypatch.setattr(picture, "MOST_PIXELS", WIDTH * HEIGHT)
    assert decode_picture(encoded(kind)).shape == PIXELS.shape
    monkeypatch.setattr(picture, "MOST_PIXELS", WIDTH * HEIGHT - 1)
    with pytest.raises(PictureError, match=f"picture of {WIDTH}x{HEIGHT} is larger"):
        decode_picture(encoded(kind))


def test_the_size_is_the_pictures_not_its_thumbnails():
    thumbnail = huge_jpeg(16_000, 9_000)
    data = encoded("jpeg")
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(thumbnail)) + thumbnail
    np.testing.assert_array_equal(decode_picture(data[:2] + segment + data[2:]), decode_picture(data))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_cut_off_anywhere_is_refused(kind):
    data = encoded(kind)
    for length in range(0, len(data) - 1, 7):
        with pytest.raises(PictureError):
            decode_picture(data[:length])


def test_a_png_without_a_header_is_refused():
    end = b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    with pytest.raises(PictureError, match="unknown kind"):
        decode_picture(b"\x89PNG\r\n\x1a\n" + end)
