"""Depth by REP 117 and 118, and its points."""

from __future__ import annotations

import numpy as np
import pytest
from std_msgs.msg import Header

from mtl_perception.dataset_folder import Intrinsics
from mtl_perception.depth_logger.registration import Camera
from mtl_perception.messages.arrays import MessageError, array_from_image
from mtl_perception.messages.building import depth_image, point_cloud
from mtl_perception.messages.camera_info import rays_of

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


# Points


def unpack(cloud) -> dict[str, np.ndarray]:
    """The fields of a PointCloud2 by their declared offsets."""
    rows = np.frombuffer(cloud.data, np.uint8).reshape(cloud.height, cloud.width, cloud.point_step)
    return {f.name: rows[..., f.offset : f.offset + 4].copy().view(np.float32)[..., 0] for f in cloud.fields}


def test_points_are_where_a_pinhole_camera_saw_them():
    depth = np.array([[2.0, 1.0], [4.0, 0.5]], np.float32)
    rgb = np.array([[[1, 2, 3], [255, 0, 0]], [[0, 255, 0], [0, 0, 255]]], np.uint8)
    cloud = point_cloud(depth, rgb, rays_of(Camera(2, 2, Intrinsics(fx=10, fy=20, cx=0.5, cy=0.5))), HEADER)
    fields = unpack(cloud)
    np.testing.assert_allclose(fields["x"], [[-0.1, 0.05], [-0.2, 0.025]], rtol=1e-6)  # (u - 0.5) / 10 * z
    np.testing.assert_allclose(fields["y"], [[-0.05, -0.025], [0.1, 0.0125]], rtol=1e-6)  # (v - 0.5) / 20 * z
    np.testing.assert_array_equal(fields["z"], depth)
    assert fields["rgb"].view(np.uint32).tolist() == [[0x010203, 0xFF0000], [0x00FF00, 0x0000FF]]
    assert (cloud.height, cloud.width, cloud.row_step) == (2, 2, 2 * cloud.point_step) and cloud.header == HEADER
    assert len(cloud.data) == cloud.height * cloud.row_step and all(f.datatype == f.FLOAT32 for f in cloud.fields)


def test_what_has_no_depth_is_no_point():
    depth = np.array([[np.nan, np.inf, -np.inf, 1.0]], np.float32)
    cloud = point_cloud(depth, np.zeros((1, 4, 3), np.uint8), rays_of(Camera(4, 1, Intrinsics(1, 1, 0, 0))), HEADER)
    fields = unpack(cloud)
    assert not cloud.is_dense
    for name in "xyz":
        assert np.isnan(fields[name]).tolist() == [[True, True, True, False]]
