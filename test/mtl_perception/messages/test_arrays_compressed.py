"""Colours of compressed images, and what is refused because it is damaged or no colour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from mtl_perception.messages.arrays import MessageError, rgb_from_compressed


def compressed(data: bytes, kind: str = "jpeg") -> CompressedImage:
    return CompressedImage(format=kind, data=data)


def encoded(pixels: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


SMOOTH = np.stack(np.meshgrid(np.arange(64) * 3, np.arange(48) * 4), -1).astype(np.uint8)
SMOOTH = np.dstack([SMOOTH, np.full((48, 64), 90, np.uint8)])  # RGB
JPEG, PNG = encoded(SMOOTH[..., ::-1], ".jpg"), encoded(SMOOTH[..., ::-1], ".png")


def test_jpeg_and_png_come_out_as_rgb():
    np.testing.assert_array_equal(rgb_from_compressed(compressed(PNG, "rgb8; png compressed bgr8")), SMOOTH)
    assert np.abs(rgb_from_compressed(compressed(JPEG)).astype(int) - SMOOTH).mean() < 2


def test_grey_and_16_bit_pictures_come_out_as_rgb():
    grey = SMOOTH[..., 0]
    for data in (encoded(grey, ".png"), encoded(grey.astype(np.uint16) * 257, ".png")):
        np.testing.assert_array_equal(rgb_from_compressed(compressed(data)), np.stack([grey] * 3, -1))
    assert np.abs(rgb_from_compressed(compressed(encoded(grey, ".jpg"))).astype(int) - grey[..., None]).mean() < 2


def test_a_compressed_mosaic_comes_out_in_colour():
    red, green, blue = 200, 40, 20
    mosaic = np.tile(np.array([[green, red], [blue, green]], np.uint8), (4, 6))
    rgb = rgb_from_compressed(compressed(encoded(mosaic, ".png"), "bayer_grbg8; png compressed "))
    assert np.abs(rgb.astype(int) - (red, green, blue)).max() <= 1


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "picture of 0 bytes"),
        (b"no picture at all", "picture of 17 bytes is damaged or of an unknown kind"),
        (JPEG[:2], "JPEG of 2 bytes is cut off"),
        (JPEG[: len(JPEG) // 2], "JPEG of .* bytes is cut off"),
        (JPEG[:-1], "is cut off"),
        (JPEG[:20] + bytes(200), "is cut off"),
        (JPEG[:20] + bytes(200) + JPEG[-2:], "damaged"),
        (PNG[: len(PNG) // 2], "damaged"),
        (PNG[:-20], "damaged"),
        (PNG[:50] + bytes(4) + PNG[54:], "damaged"),
    ],
)
def test_a_bad_picture_is_named_for_what_is_wrong(data, complaint, capfd):
    with pytest.raises(MessageError, match=complaint):
        rgb_from_compressed(compressed(data))
    if data.startswith(PNG[:8]):
        assert capfd.readouterr().err == "", "the library's own complaint tells nothing of the frame"


def test_a_jpeg_cut_off_behind_its_thumbnail_is_refused():
    """The thumbnail in a camera's header is a JPEG that ends."""
    thumbnail = encoded(SMOOTH[:12, :16], ".jpg")
    segment = b"\xff\xe1" + (len(thumbnail) + 8).to_bytes(2, "big") + b"Exif\x00\x00" + thumbnail
    whole = JPEG[:2] + segment + JPEG[2:]
    assert rgb_from_compressed(compressed(whole)).shape == (48, 64, 3)
    for size in (2 + len(segment), len(whole) * 2 // 3, len(whole) - 2):
        with pytest.raises(MessageError, match="cut off"):
            rgb_from_compressed(compressed(whole[:size]))


@pytest.mark.parametrize("kind", ["16UC1; compressedDepth png", "32FC1; compressedDepth", "16UC1; png compressed "])
def test_compressed_depth_is_refused(kind):
    depth = encoded(np.full((48, 64), 3000, np.uint16), ".png")
    with pytest.raises(MessageError, match="is depth, not colour: remap `image` to a colour topic"):
        rgb_from_compressed(compressed(depth, kind))
