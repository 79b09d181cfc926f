"""Clouds of a scene that is known, by every way a CameraInfo can describe its camera: flat is flat, sizes are right."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from known_scene import BOX, FRONT, SIDE, WALL, check_scene, depth_of_scene
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from mtl_perception.messages.arrays import MessageError
from mtl_perception.messages.building import point_cloud
from mtl_perception.messages.camera_info import camera_of, rays_of, scaled_camera_info

HEIGHT, WIDTH = 480, 640
MATRIX = np.array([[520.0, 0, 312.5], [0, 505.0, 251.25], [0, 0, 1]])
COLORS = np.array([[10, 20, 30], [200, 100, 50], [0, 255, 0]], np.uint8)


def info_of(matrix: np.ndarray, height: int = HEIGHT, width: int = WIDTH) -> CameraInfo:
    info = CameraInfo(height=height, width=width, distortion_model="plumb_bob", d=[0.0] * 5)
    info.k = matrix.ravel().tolist()
    info.p = np.hstack([matrix, np.zeros((3, 1))]).ravel().tolist()
    return info


def cloud_of(depth: np.ndarray, seen: np.ndarray, info: CameraInfo, **how) -> tuple[np.ndarray, np.ndarray]:
    """Points (H, W, 3) and colours (H, W, 3) of the message that the node would send."""
    rays = rays_of(camera_of(info, *depth.shape, **how))
    cloud = point_cloud(depth.astype(np.float32), COLORS[seen], rays, Header())
    fields = np.frombuffer(cloud.data, np.float32).reshape(cloud.height, cloud.width, -1)
    packed = fields[..., 3].copy().view(np.uint32)
    return fields[..., :3], np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], -1).astype(np.uint8)


def footprint(matrix: np.ndarray) -> float:
    return BOX[0, 2] / min(matrix[0, 0], matrix[1, 1])


@pytest.fixture
def full() -> tuple[np.ndarray, np.ndarray]:
    return depth_of_scene(MATRIX, np.arange(WIDTH), np.arange(HEIGHT))


def test_a_flat_wall_is_flat_and_a_box_has_its_size(full):
    depth, seen = full
    assert all((seen == what).sum() > 1000 for what in (WALL, FRONT, SIDE))
    points, colors = cloud_of(depth, seen, info_of(MATRIX))
    check_scene(points, seen, footprint(MATRIX), 1e-5)
    np.testing.assert_array_equal(colors, COLORS[seen])


def test_a_wrong_principal_point_would_be_found_out(full):
    depth, seen = full
    wrong = MATRIX + np.array([[0, 0, 2.0], [0, 0, 0], [0, 0, 0]])
    points, _ = cloud_of(depth, seen, info_of(wrong))
    with pytest.raises(AssertionError):
        check_scene(points, seen, footprint(MATRIX), 1e-3)


@pytest.mark.parametrize("factor", [2, 4])
def test_it_stays_so_in_a_smaller_picture_of_the_same_camera(factor):
    """A pixel of the smaller picture covers ``factor`` pixels; its centre is the middle of theirs."""
    columns = np.arange(WIDTH // factor) * factor + (factor - 1) / 2
    rows = np.arange(HEIGHT // factor) * factor + (factor - 1) / 2
    depth, seen = depth_of_scene(MATRIX, columns, rows)
    points, _ = cloud_of(depth, seen, info_of(MATRIX))
    check_scene(points, seen, factor * footprint(MATRIX), 1e-5)
    points, _ = cloud_of(depth, seen, scaled_camera_info(info_of(MATRIX), *depth.shape))  # depth/camera_info
    check_scene(points, seen, factor * footprint(MATRIX), 1e-5)


def test_it_stays_so_in_a_region_of_interest():
    info = info_of(MATRIX)
    info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = 200, 150, 430, 325
    depth, seen = depth_of_scene(MATRIX, 200 + np.arange(430), 150 + np.arange(325))
    points, _ = cloud_of(depth, seen, info)
    check_scene(points, seen, footprint(MATRIX), 1e-5)


def test_it_stays_so_in_a_rectified_picture_of_a_camera_with_distortion():
    rectified = np.array([[410.0, 0, 330.0], [0, 415.0, 230.0], [0, 0, 1]])
    info = info_of(MATRIX)
    info.d, info.p = [-0.3, 0.1, 0.0, 0.0, 0.0], np.hstack([rectified, np.zeros((3, 1))]).ravel().tolist()
    depth, seen = depth_of_scene(rectified, np.arange(WIDTH), np.arange(HEIGHT))
    points, _ = cloud_of(depth, seen, info, rectified=True)
    check_scene(points, seen, footprint(rectified), 1e-5)
    points, _ = cloud_of(depth, seen, info, rectified=False)
    with pytest.raises(AssertionError):
        check_scene(points, seen, footprint(rectified), 1e-2)


@pytest.mark.parametrize(
    ("model", "d"),
    [
        ("plumb_bob", [-0.3, 0.1, 0.001, -0.002, 0.0]),
        ("rational_polynomial", [0.6, -2.6, 0.0007, -0.0002, 1.4, 0.5, -2.4, 1.3]),
    ],
)
def test_points_of_a_distorted_picture_are_seen_in_their_pixels(model, d):
    info = info_of(MATRIX)
    info.distortion_model, info.d = model, d
    depth = np.random.default_rng(0).uniform(0.5, 8, (HEIGHT, WIDTH))
    points, _ = cloud_of(depth, np.zeros(depth.shape, int), info)
    pixels, _ = cv2.projectPoints(points.reshape(-1, 3).astype(float), np.zeros(3), np.zeros(3), MATRIX, np.array(d))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    np.testing.assert_allclose(pixels.reshape(HEIGHT, WIDTH, 2), np.stack([columns, rows], -1), atol=0.3)
    np.testing.assert_allclose(points[..., 2], depth, rtol=1e-6)


def test_a_distortion_that_is_not_known_is_no_pinhole_camera():
    info = info_of(MATRIX)
    info.distortion_model, info.d = "equidistant", [0.1, 0.01, 0.0, 0.0]
    with pytest.raises(MessageError, match=r"distorted by the model 'equidistant' of 4 coefficients.*rectified topic"):
        rays_of(camera_of(info, HEIGHT, WIDTH))
    rays_of(camera_of(info, HEIGHT, WIDTH, rectified=True))
