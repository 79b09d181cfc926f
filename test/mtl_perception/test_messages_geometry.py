"""Depth by REP 117 and 118, cameras of resized images, and the points of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from mtl_perception.dataset_folder import Intrinsics
from mtl_perception.messages import (
    MessageError,
    array_from_image,
    depth_image,
    intrinsics_of,
    point_cloud,
    scaled_camera_info,
)

seeded = settings(derandomize=True, deadline=None, max_examples=100)
HEADER = Header(frame_id="camera")


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
