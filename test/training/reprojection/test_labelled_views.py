"""A labelled view labels what it sees, and nothing else: against a room that is reckoned by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from room_views import CAMERA, SIZE, hits, look, pose, rays

from training.reprojection.views import LabelledView, LabelledViews, View

places = st.builds(
    pose,
    st.floats(0.4, SIZE[0] - 0.4),
    st.floats(0.3, 1.2),  # Off the ball.
    st.floats(-np.pi, np.pi),
    st.floats(-0.5, 0.5),
    st.floats(0.4, 2.1),
)


def labelled(camera: np.ndarray, ball: bool = True) -> LabelledView:
    depth, semantic = look(camera, ball)
    return LabelledView(depth, camera, semantic)


def voters(*views: LabelledView, tolerance: float = 0.02) -> LabelledViews:
    return LabelledViews({str(i): view for i, view in enumerate(views)}, CAMERA.matrix(), 3, tolerance)


def seen_from(view: np.ndarray, frame: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """(H, W) bool: which points of a frame a camera at ``view`` sees, by rays from there to each of them."""
    points = frame[:3, 3] + rays(frame) * depth[..., None]
    local = (points - view[:3, 3]) @ view[:3, :3]
    ahead = local[..., 2] > 0.1
    with np.errstate(divide="ignore", invalid="ignore"):
        column = CAMERA.fx * local[..., 0] / local[..., 2] + CAMERA.cx
        row = CAMERA.fy * local[..., 1] / local[..., 2] + CAMERA.cy
    inside = (column > -0.5) & (column < 63.5) & (row > -0.5) & (row < 47.5)
    free, _ = hits(view[:3, 3], points - view[:3, 3])
    return ahead & inside & (free > 0.999)


def away_from_borders(classes: np.ndarray, depth: np.ndarray, pixels: int = 3) -> np.ndarray:
    """(H, W) bool: no other class, and no step of depth, is near."""
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    same = cv2.erode(classes, kernel) == cv2.dilate(classes, kernel)
    return same & (cv2.dilate(depth, kernel) < 1.5 * cv2.erode(depth, kernel))


@settings(max_examples=40)
@given(places, places)
def test_a_view_labels_what_it_sees_and_nothing_else(there, here):
    depth, truth = look(here)
    classes, confidence = voters(labelled(there)).classes_of(View(depth, here))
    assert classes.dtype == confidence.dtype == np.uint8 and set(np.unique(confidence)) <= {0, 255}
    assert ((classes > 0) == (confidence > 0)).all()
    sure = away_from_borders(truth, depth)
    visible = seen_from(there, here, depth)
    given_one = (classes > 0) & sure
    if given_one.sum() > 50:
        assert visible[given_one].mean() > 0.97
        assert (classes[given_one] == truth[given_one]).mean() > 0.97


def test_all_that_both_see_is_labelled():
    there, here = pose(0.6, 1.6, 0.1), pose(1.0, 2.2, -0.2)
    depth, truth = look(here)
    classes, _ = voters(labelled(there)).classes_of(View(depth, here))
    shared = seen_from(there, here, depth)
    assert shared.mean() > 0.5 and (classes[shared] > 0).mean() > 0.85
    assert (classes == truth)[shared & (classes > 0)].mean() > 0.98


def test_what_is_hidden_from_a_view_gets_no_label_of_it():
    """From behind the ball: the wall it hides from there is seen from the side."""
    there, here = pose(0.6, 2.0, 0.0), pose(3.2, 0.6, 0.6)
    depth, truth = look(here)
    visible = seen_from(there, here, depth)
    hidden = cv2.erode(((truth == 1) & ~visible).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    classes, _ = voters(labelled(there)).classes_of(View(depth, here))
    assert hidden.sum() > 50 and not classes[hidden].any()
    assert (classes[visible & (truth == 1)] == 1).mean() > 0.95


def test_what_was_moved_since_gives_no_label():
    there, here = pose(0.6, 2.0, 0.0), pose(0.6, 1.0, 0.3)
    depth, truth = look(here, ball=False)
    with_ball, _ = voters(labelled(there)).classes_of(View(depth, here))
    assert (truth != 3).all() and (with_ball == 3).mean() < 0.003
    depth, truth = look(here)
    without, _ = voters(labelled(there, ball=False)).classes_of(View(depth, here))
    assert (truth == 3).sum() > 50 and (without[truth == 3] > 0).mean() < 0.05


def test_views_vote_and_the_share_of_the_votes_is_the_confidence():
    here = pose(0.6, 2.0, 0.0)
    view = labelled(here)
    other = LabelledView(view.depth, here, np.full_like(view.semantic, 2))
    blank = LabelledView(view.depth, here, np.zeros_like(view.semantic))
    views = voters(view, view, other, blank)
    classes, confidence = views.classes_of(view)
    np.testing.assert_array_equal(classes, view.semantic)
    np.testing.assert_array_equal(confidence, np.where(view.semantic == 2, 255, 170))
    assert (views.classes_of(view, without="2")[1] == 255).all()


def test_one_vote_of_two_is_not_more_than_half():
    here = pose(0.6, 2.0, 0.0)
    view = labelled(here)
    other = LabelledView(view.depth, here, np.full_like(view.semantic, 2))
    confidence = voters(view, other).classes_of(view)[1]
    np.testing.assert_array_equal(confidence, np.where(view.semantic == 2, 255, 127))


def test_many_views_have_a_vote_each():
    here = pose(0.6, 2.0, 0.0)
    view = labelled(here)
    classes, confidence = voters(*[view] * 300).classes_of(view)
    np.testing.assert_array_equal(classes, view.semantic)
    assert (confidence == 255).all()


def test_a_point_is_what_a_view_measured_within_the_tolerance_only():
    here = pose(0.6, 2.0, 0.0)
    view = labelled(here)
    nearer = View(view.depth * np.float32(0.96), here)
    assert not voters(view, tolerance=0.03).classes_of(nearer)[0].any()
    assert (voters(view, tolerance=0.05).classes_of(nearer)[0] == view.semantic).all()


def test_unknown_depth_gives_and_gets_no_label():
    here = pose(0.6, 2.0, 0.0)
    view = labelled(here)
    holes = view.depth.copy()
    holes[:, :20] = 0
    for voter, frame in ((view, View(holes, here)), (LabelledView(holes, here, view.semantic), view)):
        classes, confidence = voters(voter).classes_of(frame)
        assert not classes[:, :20].any() and not confidence[:, :20].any() and classes[:, 20:].all()


def test_a_pixel_without_depth_is_not_where_its_camera_is():
    """Where another view measured something just there."""
    there = pose(0.6, 2.0, 0.0)
    view = labelled(there)
    here = there.copy()
    here[:3, 3] += view.depth[24, 28] * there[:3, 2]
    classes, _ = voters(view).classes_of(View(np.zeros_like(view.depth), here))
    assert not classes.any()


def test_a_view_that_shows_little_of_a_frame_labels_that():
    here = pose(0.6, 2.0, 0.0)
    view = labelled(here)
    corner = np.zeros_like(view.depth)
    corner[-18:, -18:] = view.depth[-18:, -18:]
    classes, _ = voters(LabelledView(corner, here, view.semantic)).classes_of(view)
    np.testing.assert_array_equal(classes, np.where(corner > 0, view.semantic, 0))


@pytest.mark.parametrize("width", [320, 640])
@pytest.mark.parametrize("strip", [slice(-20, None), slice(3, 23)])
def test_a_strip_that_both_see_is_labelled_wherever_it_is(width, strip):
    """In a picture as large as a camera's, of which not every pixel is asked for."""
    here, height = pose(0.6, 2.0, 0.0), width * 3 // 4
    depth = np.full((height, width), 2.0, np.float32)
    seen = np.zeros_like(depth)
    seen[:, strip] = 2.0
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]])
    views = LabelledViews({"strip": LabelledView(seen, here, np.ones(depth.shape, np.uint8))}, camera, 3, 0.02)
    classes, _ = views.classes_of(View(depth, here))
    np.testing.assert_array_equal(classes, seen > 0)


def test_a_small_thing_is_labelled_where_nothing_else_is():
    """As where only the things that matter were drawn."""
    here = pose(0.6, 2.0, 0.0)
    view = labelled(here)
    thing = np.zeros_like(view.semantic)
    thing[17:20, 33:36] = 3
    classes, _ = voters(LabelledView(view.depth, here, thing)).classes_of(view)
    np.testing.assert_array_equal(classes, thing)


def test_scattered_depth_is_labelled_wherever_it_is():
    """As of a lidar: few pixels know theirs."""
    here = pose(0.6, 2.0, 0.0)
    view = labelled(here)
    known = np.random.default_rng(0).random(view.depth.shape) < 0.02
    scattered = np.where(known, view.depth, np.float32(0))
    classes, _ = voters(LabelledView(scattered, here, view.semantic)).classes_of(View(scattered, here))
    np.testing.assert_array_equal(classes, np.where(known, view.semantic, 0))


@pytest.mark.parametrize(("distance", "seen"), [(0.08, False), (0.12, True)])
def test_a_camera_sees_nothing_that_touches_it(distance, seen):
    """Where depth is that of a lens cover, or of a point beside the camera, a pixel is many degrees wide."""
    here = pose(0.6, 2.0, 0.0)
    close = LabelledView(np.full((48, 64), distance, np.float32), here, np.ones((48, 64), np.uint8))
    assert (voters(close).classes_of(close)[0] > 0).all() == seen
