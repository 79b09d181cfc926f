"""What is read out of image messages and written into them: pixels and colours."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from mtl_perception.messages.arrays import MessageError, array_from_image, nanoseconds_of, rgb_from_image
from mtl_perception.messages.building import image_from_array, stamp_of

examples = settings(max_examples=100)
LAYOUT = {
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "rgba8": (np.uint8, 4),
    "bgra8": (np.uint8, 4),
    "mono8": (np.uint8, 1),
    "16UC1": (np.uint16, 1),
    "32FC1": (np.float32, 1),
}
HEADER = Header(frame_id="camera")


def random_pixels(encoding: str, height: int, width: int) -> np.ndarray:
    dtype, channels = LAYOUT[encoding]
    shape = (height, width) if channels == 1 else (height, width, channels)
    values = np.random.default_rng(height * 1000 + width).integers(0, 2**16, shape)
    return (values / 1000).astype(dtype) if dtype is np.float32 else values.astype(dtype)


def message(pixels: np.ndarray, encoding: str, padding: int = 0, big_endian: bool = False) -> Image:
    """``pixels`` as a driver might send them: rows padded with rubbish, in either byte order."""
    pixels = pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<"))
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    padded = np.hstack([rows, np.full((len(rows), padding), 0xA5, np.uint8)])
    return Image(
        header=HEADER,
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=big_endian,
        step=padded.shape[1],
        data=padded.tobytes(),
    )


# Pixels


@examples
@given(st.sampled_from(sorted(LAYOUT)), st.integers(1, 20), st.integers(1, 20), st.integers(0, 13), st.booleans())
def test_pixels_are_read_whatever_the_step_and_byte_order(encoding, height, width, padding, big_endian):
    pixels = random_pixels(encoding, height, width)
    read = array_from_image(message(pixels, encoding, padding, big_endian))
    assert read.dtype == pixels.dtype and read.dtype.isnative
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("encoding", LAYOUT)
@pytest.mark.parametrize("padding", [0, 12])
def test_reading_copies_nothing_and_cannot_change_the_message(encoding, padding):
    sent = message(random_pixels(encoding, 5, 7), encoding, padding, sys.byteorder == "big")
    read = array_from_image(sent)
    assert np.shares_memory(read, np.frombuffer(sent.data, np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        read[0, 0] = 1


@examples
@given(st.sampled_from(sorted(LAYOUT)), st.integers(1, 20), st.integers(1, 20), st.integers(0, 4), st.integers(1, 2))
def test_pixels_that_are_written_can_be_read(encoding, height, width, margin, stride):
    """Also of views: a part of a picture, every second pixel of one."""
    whole = random_pixels(encoding, height * stride + margin, width * stride + margin)
    pixels = whole[: height * stride : stride, : width * stride : stride]
    sent = image_from_array(pixels, encoding, HEADER)
    assert sent.step * sent.height == len(sent.data) and sent.encoding == encoding and sent.header == HEADER
    np.testing.assert_array_equal(array_from_image(sent), pixels)


def test_a_single_row_of_a_larger_picture_has_its_own_step():
    sent = image_from_array(np.zeros((10, 20, 3), np.uint8)[:1, :5], "rgb8", HEADER)
    assert (sent.step, len(sent.data)) == (15, 15)


GOOD = message(random_pixels("rgb8", 48, 64), "rgb8")


def changed(**fields) -> Image:
    return Image(
        **{
            **{name: getattr(GOOD, name) for name in ("height", "width", "step", "encoding", "data", "header")},
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (changed(height=0), "64x0: no pixels"),
        (changed(width=0), "0x48: no pixels"),
        (changed(height=0, width=0, step=0, data=b""), "0x0: no pixels"),
        (changed(step=0), r"step 0 is shorter than a row of 64 pixels rgb8 \(192 bytes\)"),
        (changed(step=191), "step 191 is shorter"),
        (changed(step=193), "has 9216 bytes, 48 rows of step 193 need 9264"),
        (changed(step=2**32 - 1), "has 9216 bytes"),
        (changed(height=2**32 - 1), "has 9216 bytes"),
        (changed(width=2**32 - 1), "step 192 is shorter"),
        (changed(data=b""), "has 0 bytes"),
        (changed(data=GOOD.data[:-1]), "has 9215 bytes"),
        (changed(encoding=""), "'' cannot be converted to colour"),
        (changed(encoding="rainbow"), "'rainbow' cannot be converted to colour"),
        (changed(encoding="mono16", step=100), "step 100 is shorter"),
        (changed(encoding="bayer_rggb8", data=GOOD.data[:1000]), "has 1000 bytes"),
        (changed(encoding="nv12"), "has 9216 bytes, 72 rows of step 192 need 13824"),
        (changed(encoding="16UC1"), "16UC1 is depth, not colour: remap `image`"),
        (changed(encoding="32FC1"), "32FC1 is depth, not colour"),
        (changed(encoding="8UC1"), "'8UC1' cannot be converted to colour: it does not say which channel is which"),
        (changed(encoding="8UC3"), "does not say which channel is which; have the driver publish rgb8"),
        (changed(encoding="32FC3", width=10), "does not say"),
        (changed(encoding="16SC1"), "does not say"),
        (changed(encoding="yuv422", width=7), "7x48 'yuv422' cannot be converted to colour"),
        (changed(encoding="nv12", height=3), "sides must be even"),
    ],
)
def test_a_bad_image_is_named_for_what_is_wrong(bad, complaint):
    with pytest.raises(MessageError, match=complaint) as refusal:
        rgb_from_image(bad)
    assert "\n" not in str(refusal.value)


def test_longer_data_than_needed_are_no_fault():
    np.testing.assert_array_equal(rgb_from_image(changed(data=bytes(GOOD.data) + b"xyz")), rgb_from_image(GOOD))


@examples
@given(
    st.text(max_size=12)
    | st.sampled_from(["rgb16", "bayer_grbg16", "uyvy", "nv21", "mono16", "8UC0", "8UC9999999999"]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 40),
    st.integers(0, 400),
)
def test_whatever_an_image_holds_it_is_read_or_refused(encoding, height, width, step, size):
    assume(encoding.isprintable())
    odd = Image(height=height, width=width, step=step, encoding=encoding, data=bytes(range(256)) * 2)
    odd.data = odd.data[:size]
    try:
        rgb = rgb_from_image(odd)
    except MessageError as refusal:
        assert str(refusal)
    else:
        assert rgb.shape == (height, width, 3) and rgb.dtype == np.uint8


# Colours


@pytest.mark.parametrize("padding", [0, 1, 12])
@pytest.mark.parametrize(
    ("encoding", "channels"), [("rgb8", (0, 1, 2)), ("bgr8", (2, 1, 0)), ("rgba8", (0, 1, 2)), ("bgra8", (2, 1, 0))]
)
def test_usual_colours_come_out_as_rgb(encoding, channels, padding):
    pixels = random_pixels(encoding, 6, 9)
    sent = message(pixels, encoding, padding)
    rgb = rgb_from_image(sent)
    np.testing.assert_array_equal(rgb, pixels[..., channels])
    assert np.shares_memory(rgb, np.frombuffer(sent.data, np.uint8)) == (encoding == "rgb8")


def test_grey_comes_out_as_three_equal_channels():
    pixels = random_pixels("mono8", 6, 9)
    np.testing.assert_array_equal(rgb_from_image(message(pixels, "mono8", 3)), np.stack([pixels] * 3, -1))


RED, GREEN, BLUE = (200, 40, 20), (30, 180, 60), (10, 50, 220)
# ROS names them by the colours of the upper left 2x2 pixels, row by row.
MOSAICS = ("rggb", "bggr", "gbrg", "grbg")


def mosaic(color: tuple[int, int, int], pattern: str, height: int = 8, width: int = 12) -> np.ndarray:
    """What a sensor behind such a colour filter sees of one colour."""
    values = [color["rgb".index(letter)] for letter in pattern]
    return np.tile(np.array(values, np.uint8).reshape(2, 2), (height // 2, width // 2))


@pytest.mark.parametrize("color", [RED, GREEN, BLUE])
@pytest.mark.parametrize("pattern", MOSAICS)
@pytest.mark.parametrize(
    ("bits", "padding", "big_endian"), [(8, 0, False), (8, 5, False), (16, 6, False), (16, 0, True)]
)
def test_bayer_colours_come_out_right(pattern, color, bits, padding, big_endian):
    """OpenCV calls the patterns by the second row's pixels, ROS by the first's: mixed up, red would be blue."""
    pixels = mosaic(color, pattern)
    pixels = pixels.astype(np.uint16) * 257 if bits == 16 else pixels
    rgb = rgb_from_image(message(pixels, f"bayer_{pattern}{bits}", padding, big_endian))
    assert rgb.shape == (8, 12, 3) and rgb.dtype == np.uint8
    assert np.abs(rgb.astype(int) - color).max() <= 1


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("rggb", cv2.COLOR_BayerRGGB2RGB),
        ("bggr", cv2.COLOR_BayerBGGR2RGB),
        ("gbrg", cv2.COLOR_BayerGBRG2RGB),
        ("grbg", cv2.COLOR_BayerGRBG2RGB),
    ],
)
def test_bayer_is_what_opencv_makes_of_the_same_bytes(pattern, code):
    pixels = random_pixels("mono8", 10, 14)
    wanted = cv2.cvtColor(pixels, code)
    np.testing.assert_array_equal(rgb_from_image(message(pixels, f"bayer_{pattern}8", 3)), wanted)


def bt601(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """Y, U and V of a colour by ITU-R BT.601, studio range."""
    r, g, b = (v / 255 for v in rgb)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return round(16 + 219 * y), round(128 + 224 * (b - y) / 1.772), round(128 + 224 * (r - y) / 1.402)


@pytest.mark.parametrize("padding", [0, 4])
@pytest.mark.parametrize("color", [RED, GREEN, BLUE])
@pytest.mark.parametrize("encoding", ["uyvy", "yuv422", "yuyv", "yuv422_yuy2", "nv12", "nv21"])
def test_yuv_colours_come_out_right(encoding, color, padding):
    y, u, v = bt601(color)
    if encoding.startswith("nv"):
        pair = (u, v) if encoding == "nv12" else (v, u)
        pixels = np.vstack([np.full((8, 12), y), np.tile(pair, (4, 6))]).astype(np.uint8)
    else:
        pair = ((u, y), (v, y)) if encoding in ("uyvy", "yuv422") else ((y, u), (y, v))
        pixels = np.tile(np.array(pair, np.uint8), (8, 6, 1))
    sent = message(pixels, encoding, padding)
    sent.height = 8
    rgb = rgb_from_image(sent)
    assert rgb.shape == (8, 12, 3)
    assert np.abs(rgb.astype(int) - color).max() <= 4


@pytest.mark.parametrize("big_endian", [False, True])
def test_16_bits_a_channel_become_8(big_endian):
    for encoding, channels in (
        ("rgb16", (0, 1, 2)),
        ("bgr16", (2, 1, 0)),
        ("rgba16", (0, 1, 2)),
        ("bgra16", (2, 1, 0)),
    ):
        pixels = np.random.default_rng(0).integers(0, 2**16, (6, 9, 4 if "a" in encoding else 3), np.uint16)
        rgb = rgb_from_image(message(pixels, encoding, 2, big_endian))
        assert rgb.dtype == np.uint8
        assert np.abs(rgb - pixels[..., channels] / 257).max() <= 1, encoding
    grey = np.random.default_rng(0).integers(0, 2**16, (6, 9), np.uint16)
    rgb = rgb_from_image(message(grey, "mono16", 2, big_endian))
    assert np.abs(rgb - grey[..., None] / 257).max() <= 1


@examples
@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 10**9 - 1))
def test_a_stamp_is_a_number_and_a_stamp_again(seconds, nanoseconds):
    stamp = Time(sec=seconds, nanosec=nanoseconds)
    assert nanoseconds_of(stamp) == seconds * 10**9 + nanoseconds
    assert stamp_of(nanoseconds_of(stamp)) == stamp
