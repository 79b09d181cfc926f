"""Cameras of resized images, and which of a CameraInfo's matrices an image is described by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from mtl_perception.dataset_folder import Intrinsics
from mtl_perception.messages.camera_info import another_shape, carries_rectified, intrinsics_of, scaled_camera_info

examples = settings(max_examples=100)
HEADER = Header(frame_id="camera")


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


@examples
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


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (480, 640)),
        ({}, (240, 320)),
        ({}, (37, 50)),  # 37.5 rounded
        ({}, (3, 4)),
        ({}, (1, 1)),
        ({"width": 1920, "height": 1080}, (544, 960)),  # as video encoders round up
        ({"roi": RegionOfInterest(x_offset=10, width=320, height=480)}, (480, 320)),
        ({"binning_x": 2, "binning_y": 1}, (480, 320)),
        ({"width": 0, "height": 0}, (480, 640)),
    ],
)
def test_an_image_that_was_resized_or_read_out_in_part_is_of_its_camera(fields, size):
    assert another_shape(camera_info(**fields), *size) is None


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"width": 1280, "height": 720}, (480, 640)),
        ({}, (640, 480)),
        ({}, (460, 640)),
        ({"roi": RegionOfInterest(width=320, height=480)}, (480, 640)),
        ({"binning_x": 2, "binning_y": 1}, (480, 640)),
    ],
)
def test_an_image_of_another_shape_is_not_of_its_camera(fields, size):
    assert f"the image of {size[1]}x{size[0]}" in another_shape(camera_info(**fields), *size)


# Raw and rectified

RAW, RECTIFIED = Intrinsics(500.0, 510.0, 321.0, 238.5), Intrinsics(450.0, 450.0, 318.0, 236.0)


def calibrated(d=(0.1, -0.2, 0.0, 0.0, 0.0), p=RECTIFIED) -> CameraInfo:
    """A camera of the right side of a stereo pair, whose rectified image is another than its raw one."""
    info = camera_info()
    info.d = list(d)
    info.p = [p.fx, 0.0, p.cx, -54.0, 0.0, p.fy, p.cy, 0.0, 0.0, 0.0, 1.0, 0.0] if p else [0.0] * 12
    return info


@pytest.mark.parametrize(
    ("info", "rectified", "wanted"),
    [
        (calibrated(), False, RAW),
        (calibrated(), True, RECTIFIED),
        (calibrated(d=[0.0] * 5), False, RECTIFIED),
        (calibrated(d=[]), False, RECTIFIED),
        (calibrated(p=None), True, RAW),
        (calibrated(d=[], p=None), False, RAW),
        (calibrated(p=Intrinsics(float("nan"), 450.0, 318.0, 236.0)), True, RAW),
    ],
)
def test_p_is_of_the_rectified_image_and_k_of_the_raw_one(info, rectified, wanted):
    assert intrinsics_of(info, 480, 640, rectified=rectified) == wanted


def test_the_rectified_camera_is_scaled_with_its_image():
    info = calibrated()
    camera = intrinsics_of(info, 240, 320, rectified=True)
    np.testing.assert_allclose(camera.matrix(), np.reshape(scaled_camera_info(info, 240, 320).p, (3, 4))[:, :3])


def test_a_camera_whose_k_is_zero_is_uncalibrated_whatever_p_says():
    info = calibrated()
    info.k = [0.0] * 9
    assert intrinsics_of(info, 480, 640, rectified=True) is None


@pytest.mark.parametrize(
    ("topic", "rectified"),
    [
        ("/image", False),
        ("/camera/image_raw", False),
        ("/camera/image_color/compressed", False),
        ("/camera/image_rect", True),
        ("/left/image_rect_color", True),
        ("/left/image_rect/compressed", True),
        ("/camera/infra1/image_rect_raw", True),
        ("/corrected/image_raw", False),
    ],
)
def test_the_name_of_a_topic_tells_rectified_images(topic, rectified):
    assert carries_rectified(topic) == rectified
