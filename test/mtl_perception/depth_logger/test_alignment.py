"""When depth is in the colour image, when it can be brought there, and when it is said what is needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_perception.dataset_folder import Intrinsics
from mtl_perception.depth_logger.alignment import Alignment, View
from mtl_perception.depth_logger.registration import Camera, RegistrationError
from mtl_perception.depth_logger.rigid import transform
from mtl_perception.depth_logger.static_transforms import StaticTransforms

BESIDE = transform((0.2, 0, 0), (0, 0, 0, 1))
"""0.2 m at 2 m and a focal length of 50: 5 pixels."""
DEPTH = np.full((36, 48), 2000, np.uint16)


def view(frame_id: str = "colour", width: int = 48, height: int = 36, focal: float | None = 50.0) -> View:
    camera = focal and Camera(width, height, Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2))
    return View(frame_id, width, height, camera or None)


def known(target: str, source: str) -> np.ndarray | None:
    assert (target, source) == ("colour", "depth")
    return BESIDE


def unknown(*_) -> None:
    return None


@pytest.mark.parametrize("there", [view(), view(focal=None)])
def test_depth_that_is_there_already_stays_the_same_array(there):
    assert Alignment(unknown).align(DEPTH, there, view()) is DEPTH


def test_depth_of_one_place_and_another_lens_is_scaled():
    small = np.full((18, 24), 1500, np.uint16)
    aligned = Alignment(unknown).align(small, view(width=24, height=18, focal=25.0), view())
    assert aligned.shape == (36, 48) and (aligned == 1500).all()


def test_depth_of_another_place_is_moved_by_what_is_known_of_it():
    aligned = Alignment(known).align(DEPTH, view("depth"), view())
    assert (aligned[:, :5] == 0).all() and (aligned[:, 5:] == 2000).all()


def test_two_names_of_one_place_are_one_place():
    assert Alignment(lambda *_: np.eye(4)).align(DEPTH, view("depth"), view()) is DEPTH


def test_a_transform_that_comes_later_or_changes_counts():
    answers = [None, BESIDE, transform((0.4, 0, 0), (0, 0, 0, 1))]
    alignment = Alignment(lambda *_: answers[0])
    with pytest.raises(RegistrationError):
        alignment.align(DEPTH, view("depth"), view())
    for shift in (5, 10):
        answers.pop(0)
        assert np.argmax(alignment.align(DEPTH, view("depth"), view())[0] > 0) == shift


@pytest.mark.parametrize(
    ("there", "complaint"),
    [
        (view("depth"), "depth is in frame 'depth', colour in 'colour'.*aligned depth topic.*depth_in_image"),
        (view("depth", focal=None), "has no camera_info: take an aligned depth topic"),
        (view(width=24, height=18, focal=None), "24x18, frame 'colour'.* is not in .*48x36.*no camera_info"),
    ],
)
def test_what_is_needed_is_said(there, complaint):
    with pytest.raises(RegistrationError, match=complaint):
        Alignment(unknown).align(np.ones((there.height, there.width), np.uint16), there, view())


number = st.floats(-3, 3)
pose = st.builds(transform, st.tuples(number, number, number), st.tuples(number, number, number, st.floats(0.5, 3)))


@given(pose, pose, pose)
def test_a_way_through_the_tree_is_found_up_and_down(base_camera, camera_colour, camera_depth):
    tree = StaticTransforms()
    tree.add("base", "camera", base_camera)
    tree.add("camera", "colour", camera_colour)
    tree.add("/camera", "/depth", camera_depth)
    np.testing.assert_allclose(tree.lookup("base", "colour"), base_camera @ camera_colour, atol=1e-9)
    np.testing.assert_allclose(tree.lookup("colour", "base") @ base_camera @ camera_colour, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(camera_colour @ tree.lookup("colour", "depth"), camera_depth, atol=1e-9)
    np.testing.assert_allclose(tree.lookup("depth", "depth"), np.eye(4), atol=1e-9)


def test_no_way_is_none_and_a_ring_ends():
    tree = StaticTransforms()
    tree.add("base", "camera", np.eye(4))
    assert tree.lookup("camera", "elsewhere") is None
    tree.add("a", "b", np.eye(4))
    tree.add("b", "a", np.eye(4))
    assert tree.lookup("base", "a") is None
