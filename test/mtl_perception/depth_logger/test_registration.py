"""Depth brought from camera to camera, against surfaces whose depth both cameras must see."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_perception.dataset_folder import Intrinsics
from mtl_perception.depth_logger.registration import Camera, Registration, RegistrationError, bend
from mtl_perception.depth_logger.rigid import inverse, transform

HERE = np.eye(4)


def camera(width: int = 48, height: int = 36, focal: float = 40.0, shift: float = 0.0, distortion=()) -> Camera:
    return Camera(width, height, Intrinsics(focal, focal, (width - 1) / 2 + shift, (height - 1) / 2), distortion)


def plane_seen(eye: Camera, normal: np.ndarray, offset: float, world_from_eye: np.ndarray) -> np.ndarray:
    """Depth (H, W) float metres of the plane ``normal . x = offset`` of the world in a camera without distortion."""
    c = eye.intrinsics
    columns, rows = np.meshgrid(np.arange(eye.width), np.arange(eye.height))
    rays = np.stack([(columns - c.cx) / c.fx, (rows - c.cy) / c.fy, np.ones(columns.shape)], -1)
    return (offset - normal @ world_from_eye[:3, 3]) / (rays @ (world_from_eye[:3, :3].T @ normal))


def millimetres(metres: np.ndarray) -> np.ndarray:
    return np.rint(metres * 1000).astype(np.uint16)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_the_same_camera_gives_the_same_depth(seed):
    depth = np.random.default_rng(seed).integers(0, 65536, (36, 48), dtype=np.uint16)
    np.testing.assert_array_equal(Registration(camera(), camera(), HERE).register(depth), depth)


@pytest.mark.parametrize("seed", range(40))
def test_a_slanted_plane_is_where_the_colour_camera_sees_it(seed):
    rng = np.random.default_rng(seed)
    zoom, away = rng.uniform(0.7, 2.4), rng.uniform(1.5, 6)
    there = camera(shift=rng.uniform(-3, 3))
    colour = Camera(70, 50, Intrinsics(40 * zoom, 41 * zoom, 33.0, 26.0))
    normal = np.array([*rng.uniform(-0.4, 0.4, 2), 1.0])
    colour_from_depth = transform(rng.uniform(-0.1, 0.1, 3), (*rng.uniform(-0.1, 0.1, 3), 1.0))
    wanted = plane_seen(colour, normal, away, inverse(colour_from_depth))
    result = Registration(there, colour, colour_from_depth).register(millimetres(plane_seen(there, normal, away, HERE)))
    known = result > 0
    # A pixel of depth is flat: on a slant it is wrong by what the plane rises over half of it and what rounding adds.
    slope = sum(np.abs(np.gradient(wanted, axis=axis)) for axis in (0, 1))
    error = np.abs(result / 1000 - wanted)
    assert (error <= 1.5 * max(1.0, zoom) * slope + 0.001)[known].all()
    # Where the depth camera sees the plane nothing is left out but a few cracks; where not, nothing is made up.
    rows, columns = np.mgrid[: colour.height, : colour.width]
    c, d = colour.intrinsics, there.intrinsics
    rays = np.stack([(columns - c.cx) / c.fx, (rows - c.cy) / c.fy, np.ones_like(wanted), 1 / wanted], -1)
    x, y, z, _ = np.moveaxis(rays @ inverse(colour_from_depth).T, -1, 0)
    u, v = x / z * d.fx + d.cx, y / z * d.fy + d.cy
    assert known[(u > 0) & (u < there.width - 1) & (v > 0) & (v < there.height - 1)].mean() > 0.97
    assert not known[(u < -2) | (u > there.width + 1) | (v < -2) | (v > there.height + 1)].any()


def test_a_plane_that_faces_both_cameras_has_no_holes_at_any_resolution():
    for zoom in (0.5, 1.0, 1.7, 2.0, 3.0):
        colour = camera(round(48 * zoom), round(36 * zoom), 40 * zoom)
        result = Registration(camera(), colour, HERE).register(np.full((36, 48), 1500, np.uint16))
        assert (result == 1500).all(), zoom


def test_what_is_near_hides_what_is_far_and_its_shadow_is_unknown():
    depth = np.full((36, 48), 4000, np.uint16)
    depth[10:20, 20:30] = 1000
    result = Registration(camera(), camera(), transform((-0.1, 0, 0), (0, 0, 0, 1))).register(depth)
    # 0.1 m to the right: what is 1 m away moves 4 pixels to the left, what is 4 m away 1.
    wanted = np.full((36, 48), 4000)
    wanted[:, 47:] = 0
    wanted[10:20, 19:29] = 0  # where the far wall was hidden from the depth camera ...
    wanted[10:20, 16:26] = 1000  # ... and is not hidden from the colour camera by this
    np.testing.assert_array_equal(result, wanted)


def test_depth_is_along_the_colour_cameras_axis():
    forward = Registration(camera(), camera(), transform((0, 0, 0.25), (0, 0, 0, 1)))
    result = forward.register(np.full((36, 48), 1000, np.uint16))
    assert set(np.unique(result)) == {0, 1250}
    behind = Registration(camera(), camera(), transform((0, 0, -1.5), (0, 0, 0, 1)))
    assert not behind.register(np.full((36, 48), 1000, np.uint16)).any()


def test_unknown_stays_unknown_and_so_does_what_16_bits_cannot_hold():
    nothing = np.zeros((36, 48), np.uint16)
    there = Registration(camera(), camera(), transform((0, 0, 1.0), (0, 0, 0, 1)))
    assert not there.register(nothing).any()
    assert not there.register(np.full((36, 48), 65000, np.uint16)).any()


BENT = (-0.28, 0.09, 0.001, -0.0005, -0.01)


@pytest.mark.parametrize("coefficients", [BENT, BENT[:4], (0.4, -2.5, 0.001, -0.0003, 1.4, 0.3, -2.3, 1.3)])
def test_bending_is_that_of_opencv(coefficients):
    flat = np.random.default_rng(0).uniform(-0.6, 0.6, (200, 2))
    points = np.column_stack([flat, np.ones(200)])
    wanted, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), np.eye(3), np.array(coefficients))
    np.testing.assert_allclose(bend(flat, coefficients), wanted.reshape(-1, 2), atol=1e-9)


@pytest.mark.parametrize("which", ["colour", "depth"])
def test_a_dot_comes_out_where_opencv_says(which):
    plain, distorted = camera(96, 72, 80.0), camera(96, 72, 80.0, distortion=BENT)
    there, colour = (plain, distorted) if which == "colour" else (distorted, plain)
    depth = np.zeros((72, 96), np.uint16)
    dots = [(12, 9), (80, 12), (48, 36), (20, 60), (75, 55)]
    for n, (u, v) in enumerate(dots):
        depth[v, u] = 1000 + n
    result = Registration(there, colour, HERE).register(depth)
    k = plain.intrinsics.matrix()
    for n, dot in enumerate(dots):
        if which == "colour":
            ray = np.linalg.inv(k) @ (*dot, 1)
            pixel = cv2.projectPoints(ray[None], np.zeros(3), np.zeros(3), k, np.array(BENT))[0].ravel()
        else:
            pixel = cv2.undistortPoints(np.array([[dot]], float), k, np.array(BENT), P=k).ravel()
        rows, columns = np.nonzero(result == 1000 + n)
        assert len(rows) and np.hypot(rows.mean() - pixel[1], columns.mean() - pixel[0]) < 0.75
    assert np.hypot(*(pixel - dots[-1])) > 1  # it matters here


@pytest.mark.parametrize("coefficients", [BENT, (-0.4, 0, 0, 0), (-0.5, 0.02, 0, 0, 0.01, -0.1, 0.05, 0.02)])
def test_what_a_lens_cannot_show_is_not_folded_into_the_image(coefficients):
    radius = np.linspace(0, 3, 3001)
    out = bend(np.stack([radius, 0 * radius], -1), (*coefficients[:2], 0, 0, *coefficients[4:]))[:, 0]
    fold = radius[np.argmax(np.diff(out) < 0)]  # what lies farther out comes no farther out
    model = "rational_polynomial" if len(coefficients) == 8 else "plumb_bob"
    wide, colour = camera(121, 91, 25.0), replace(camera(121, 91, 40.0, distortion=coefficients), model=model)
    columns, rows = np.meshgrid(np.arange(121) - 60, np.arange(91) - 45)
    away = np.hypot(columns, rows) / 25
    registration = Registration(wide, colour, HERE)
    beyond = np.where(away > fold + 0.01, 2000, 0).astype(np.uint16)
    assert beyond.any() and not registration.register(beyond).any()
    within = np.where(away < fold - 0.01, 2000, 0).astype(np.uint16)
    assert registration.register(within)[35:56, 50:71].all()  # about the middle


def test_cameras_that_see_alike_are_known():
    assert camera().sees_as(camera())
    assert camera().sees_as(camera(focal=40.01, distortion=(0.0,) * 5))
    bent = camera(distortion=(0.1, 0, 0, 0))
    assert bent.sees_as(bent) and not bent.sees_as(replace(bent, model="equidistant"))
    for other in (camera(50), camera(focal=40.5), camera(shift=1), bent):
        assert not camera().sees_as(other)


def test_depth_of_another_size_and_distortion_of_an_unknown_kind_are_refused():
    with pytest.raises(RegistrationError, match="depth is 10x5, its camera_info says 48x36"):
        Registration(camera(), camera(), HERE).register(np.zeros((5, 10), np.uint16))
    for bent in (camera(distortion=(0.1, 0.1, 0.1)), replace(camera(distortion=(0.1, 0, 0, 0)), model="equidistant")):
        with pytest.raises(RegistrationError, match="cannot be brought onto others: use a rectified topic"):
            Registration(bent, camera(), HERE)
    assert Registration(replace(camera(distortion=(0.0,) * 4), model="equidistant"), camera(), HERE)
