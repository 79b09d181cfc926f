"""What is read out of messages and written into them: pixels, colours, depth, cameras, points."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header

from mtl_perception.dataset_folder import Intrinsics
from mtl_perception.messages import (
    MessageError,
    array_from_image,
    depth_image,
    image_from_array,
    intrinsics_of,
    point_cloud,
    rgb_from_compressed,
    rgb_from_image,
    scaled_camera_info,
)

seeded = settings(derandomize=True, deadline=None, max_examples=100)
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


@seeded
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


@seeded
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


@seeded
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
# By the name of the encoding: the colours of the upper left 2x2 pixels, row by row.
MOSAIC = {"rggb": "rggb", "bggr": "bggr", "gbrg": "gbrg", "grbg": "grbg"}


def mosaic(color: tuple[int, int, int], pattern: str, height: int = 8, width: int = 12) -> np.ndarray:
    """What a sensor behind such a colour filter sees of one colour."""
    values = [color["rgb".index(letter)] for letter in pattern]
    return np.tile(np.array(values, np.uint8).reshape(2, 2), (height // 2, width // 2))


@pytest.mark.parametrize("color", [RED, GREEN, BLUE])
@pytest.mark.parametrize("pattern", MOSAIC)
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


# Compressed


def compressed(data: bytes, kind: str = "jpeg") -> CompressedImage:
    return CompressedImage(header=HEADER, format=kind, data=data)


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
    data = encoded(mosaic(RED, "grbg"), ".png")
    rgb = rgb_from_compressed(compressed(data, "bayer_grbg8; png compressed "))
    assert np.abs(rgb.astype(int) - RED).max() <= 1


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


# Depth


def test_depth_in_metres_follows_rep_117():
    depth = np.array([[np.nan, 0.2, 0.5, 3.25, 10.0, 10.1, np.inf, -np.inf, 0.0, -1.0]], np.float32)
    sent = depth_image(depth, "32FC1", HEADER, 0.5, 10.0)
    inf = np.inf
    wanted = np.array([[np.nan, -inf, 0.5, 3.25, 10.0, inf, inf, -inf, -inf, -inf]], np.float32)
    assert (sent.encoding, sent.step) == ("32FC1", 40)
    np.testing.assert_array_equal(array_from_image(sent), wanted)


@pytest.mark.filterwarnings("error")
def test_depth_in_millimetres_follows_rep_118():
    depth = np.array([[np.nan, 0.2, 0.5, 3.2504, 65.535, 65.6, 70.0, np.inf, -np.inf, 0.0, -1.0]], np.float32)
    sent = depth_image(depth, "16UC1", HEADER, 0.5, 100.0)
    assert (sent.encoding, sent.step) == ("16UC1", 22)
    assert array_from_image(sent).tolist() == [[0, 0, 500, 3250, 65535, 0, 0, 0, 0, 0, 0]]
    assert array_from_image(depth_image(np.full((1, 1), 7, np.float32), "16UC1", HEADER, 0.5, 6.0)).item() == 0


def test_both_encodings_leave_the_same_depth_behind():
    """Points are made of it: what is out of range must be no point, however the depth is published."""
    left = []
    for encoding in ("32FC1", "16UC1"):
        depth = np.array([[np.nan, 0.1, 1.0, 11.0]], np.float32)
        depth_image(depth, encoding, HEADER, 0.5, 10.0)
        left.append(depth)
    np.testing.assert_array_equal(*left)


def test_other_encodings_are_no_depth():
    with pytest.raises(MessageError, match="32FC1 or 16UC1, not 'mono8'"):
        depth_image(np.ones((1, 1), np.float32), "mono8", HEADER, 0.5, 10.0)


# Cameras


def camera_info(width=640, height=480, fx=500.0, fy=510.0, cx=321.0, cy=238.5, tx=0.0, **fields) -> CameraInfo:
    return CameraInfo(
        header=HEADER,
        width=width,
        height=height,
        distortion_model="plumb_bob",
        d=[0.1, 0.0, 0.0, 0.0, 0.0],
        k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        p=[fx, 0.0, cx, tx, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        **fields,
    )


def project(matrix, point: np.ndarray) -> np.ndarray:
    x, y, z = np.reshape(matrix, (3, -1)) @ (point if len(matrix) == 9 else [*point, 1.0])
    return np.array([x / z, y / z])


@st.composite
def recordings(draw):
    """A camera, the part of its sensor it reads out, its binning, and the size its image is resized to."""
    width, height = draw(st.integers(16, 4000)), draw(st.integers(16, 4000))
    info = camera_info(
        width,
        height,
        fx=draw(st.floats(10, 5000)),
        fy=draw(st.floats(10, 5000)),
        cx=draw(st.floats(0, 4000)),
        cy=draw(st.floats(0, 4000)),
        tx=draw(st.floats(-500, 500)),
    )
    if draw(st.booleans()):
        left, top = draw(st.integers(0, width - 4)), draw(st.integers(0, height - 4))
        info.roi = RegionOfInterest(
            x_offset=left,
            y_offset=top,
            width=draw(st.integers(4, width - left)),
            height=draw(st.integers(4, height - top)),
        )
    info.binning_x = info.binning_y = draw(st.sampled_from([0, 1, 2, 4]))
    return info, draw(st.integers(1, 2000)), draw(st.integers(1, 2000))


@seeded
@given(recordings(), st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.3, 50)))
def test_the_scaled_matrices_project_to_the_scaled_pixels(recording, point):
    """Pixel centres lie at whole numbers: pixel u covers u - 1/2 to u + 1/2, and so does the region read out."""
    info, height, width = recording
    scaled = scaled_camera_info(info, height, width)
    roi = info.roi
    region = np.array([roi.width or info.width, roi.height or info.height])
    for before, after in ((info.k, scaled.k), (info.p, scaled.p)):
        pixel = project(before, np.array(point))
        share = (pixel - [roi.x_offset, roi.y_offset] + 0.5) / region  # 0 at one edge of the image, 1 at the other
        np.testing.assert_allclose(project(after, np.array(point)), share * [width, height] - 0.5, rtol=1e-9, atol=1e-6)
    assert (scaled.height, scaled.width) == (height, width)
    assert scaled.roi == RegionOfInterest() and scaled.binning_x in (0, 1) and scaled.binning_y in (0, 1)
    assert scaled.distortion_model == "plumb_bob" and list(scaled.d) == list(info.d) and scaled.header == HEADER
    camera = intrinsics_of(info, height, width)
    np.testing.assert_allclose(camera.matrix().ravel(), scaled.k, rtol=1e-12)


def test_a_camera_at_its_own_size_is_unchanged():
    info = camera_info(tx=-42.0)
    scaled = scaled_camera_info(info, 480, 640)
    assert scaled == info and scaled is not info


def test_scaling_leaves_the_original_alone():
    info, again = camera_info(), camera_info()
    scaled_camera_info(info, 48, 64).k[0] = 7.0
    assert info == again


def test_half_the_size_by_hand():
    """The centre of the image stays the centre: (639 / 2, 479 / 2) becomes (319 / 2, 239 / 2)."""
    scaled = scaled_camera_info(camera_info(cx=319.5, cy=239.5), 240, 320)
    assert list(scaled.k) == [250.0, 0.0, 159.5, 0.0, 255.0, 119.5, 0.0, 0.0, 1.0]


def test_an_uncalibrated_camera_stays_so():
    info = CameraInfo(width=640, height=480, roi=RegionOfInterest(x_offset=10, y_offset=10, width=100, height=100))
    scaled = scaled_camera_info(info, 50, 50)
    assert not any(scaled.k) and not any(scaled.p) and intrinsics_of(info, 50, 50) is None


@pytest.mark.parametrize("value", [0.0, -500.0, np.nan, np.inf])
@pytest.mark.parametrize("field", ["fx", "fy"])
def test_a_focal_length_that_makes_no_sense_counts_as_none(field, value):
    assert intrinsics_of(camera_info(**{field: value}), 480, 640) is None


def test_a_principal_point_that_makes_no_sense_counts_as_none():
    assert intrinsics_of(camera_info(cx=np.nan), 480, 640) is None


def test_a_camera_info_without_a_size_is_taken_to_be_of_the_image():
    assert intrinsics_of(camera_info(width=0, height=0), 480, 640) == Intrinsics(500.0, 510.0, 321.0, 238.5)


# Points


def unpack(cloud) -> dict[str, np.ndarray]:
    """The fields of a PointCloud2 by their declared offsets."""
    rows = np.frombuffer(cloud.data, np.uint8).reshape(cloud.height, cloud.width, cloud.point_step)
    return {f.name: rows[..., f.offset : f.offset + 4].copy().view(np.float32)[..., 0] for f in cloud.fields}


def test_points_are_where_a_pinhole_camera_saw_them():
    depth = np.array([[2.0, 1.0], [4.0, 0.5]], np.float32)
    rgb = np.array([[[1, 2, 3], [255, 0, 0]], [[0, 255, 0], [0, 0, 255]]], np.uint8)
    cloud = point_cloud(depth, rgb, Intrinsics(fx=10, fy=20, cx=0.5, cy=0.5), HEADER)
    fields = unpack(cloud)
    np.testing.assert_allclose(fields["x"], [[-0.1, 0.05], [-0.2, 0.025]], rtol=1e-6)  # (u - 0.5) / 10 * z
    np.testing.assert_allclose(fields["y"], [[-0.05, -0.025], [0.1, 0.0125]], rtol=1e-6)  # (v - 0.5) / 20 * z
    np.testing.assert_array_equal(fields["z"], depth)
    assert fields["rgb"].view(np.uint32).tolist() == [[0x010203, 0xFF0000], [0x00FF00, 0x0000FF]]
    assert (cloud.height, cloud.width, cloud.row_step) == (2, 2, 2 * cloud.point_step) and cloud.header == HEADER
    assert len(cloud.data) == cloud.height * cloud.row_step and all(f.datatype == f.FLOAT32 for f in cloud.fields)


def test_what_has_no_depth_is_no_point():
    depth = np.array([[np.nan, np.inf, -np.inf, 1.0]], np.float32)
    cloud = point_cloud(depth, np.zeros((1, 4, 3), np.uint8), Intrinsics(1, 1, 0, 0), HEADER)
    fields = unpack(cloud)
    assert not cloud.is_dense
    for name in "xyz":
        assert np.isnan(fields[name]).tolist() == [[True, True, True, False]]
