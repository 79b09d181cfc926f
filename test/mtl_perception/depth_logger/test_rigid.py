"""Poses from quaternions, and poses between poses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_perception.depth_logger.rigid import PoseTrack, distance, inverse, transform

number = st.floats(-5, 5)
position = st.tuples(number, number, number)
quaternion = st.tuples(number, number, number, number).filter(lambda q: math.hypot(*q) > 0.1)


def about(axis: int, degrees: float) -> tuple[float, ...]:
    half = math.radians(degrees) / 2
    return (*(math.sin(half) if i == axis else 0.0 for i in range(3)), math.cos(half))


@given(position, quaternion, position)
def test_a_transform_keeps_lengths_and_its_inverse_takes_it_back(where, turn, point):
    matrix = transform(where, turn)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(inverse(matrix) @ matrix @ (*point, 1), (*point, 1), atol=1e-9)


@pytest.mark.parametrize(("axis", "source", "target"), [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_a_quarter_turn_is_right_handed(axis, source, target):
    turned = transform((0, 0, 0), about(axis, 90))[:3, :3] @ np.eye(3)[source]
    np.testing.assert_allclose(turned, np.eye(3)[target], atol=1e-12)


@given(position, quaternion, st.floats(0, 179), st.integers(0, 2), st.floats(0, 9))
def test_distance_is_what_was_moved_and_turned(where, turn, degrees, axis, metres):
    first = transform(where, turn)
    moved, turned = distance(first, first @ transform((metres, 0, 0), about(axis, degrees)))
    assert moved == pytest.approx(metres, abs=1e-6) and turned == pytest.approx(degrees, abs=1e-3)


@pytest.mark.parametrize(
    "bad", [((0, 0, 0), (0, 0, 0, 0)), ((0, math.nan, 0), (0, 0, 0, 1)), ((0, 0, 0), (0, 0, math.inf, 1))]
)
def test_what_is_no_pose_is_refused(bad):
    with pytest.raises(ValueError):
        transform(*bad)
    with pytest.raises(ValueError):
        PoseTrack(1, 1).add(0, *bad)


@given(quaternion, st.floats(0, 1), st.booleans())
def test_between_two_poses_lies_the_share_of_the_way_and_of_the_turn(turn, share, other_sign):
    track = PoseTrack(10, 1)
    start = transform((1, 2, 3), turn)
    end = start @ transform((0, 0, 4), about(2, 80))
    track.add(0, (1, 2, 3), turn)
    w = math.sqrt(max(0, 1 + np.trace(end[:3, :3]))) / 2
    if w < 0.1:
        return
    r = end[:3, :3]
    q = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], 4 * w * w]) / (4 * w)
    track.add(10**9, end[:3, 3], -q if other_sign else q)  # both mean the same turn
    moved, turned = distance(start, track.at(round(share * 10**9)))
    assert moved == pytest.approx(4 * share, abs=1e-6) and turned == pytest.approx(80 * share, abs=1e-3)


def test_out_of_reach_there_is_no_pose_and_within_it_the_nearest():
    track = PoseTrack(10, 0.1)
    assert track.at(0) is None
    track.add(10**9, (1, 0, 0), (0, 0, 0, 1))
    assert track.at(10**9 + 10**8)[0, 3] == track.at(10**9 - 10**8)[0, 3] == 1
    assert track.at(10**9 + 10**8 + 1) is None and track.at(10**9 - 10**8 - 1) is None
    track.add(2 * 10**9, (2, 0, 0), (0, 0, 0, 1))
    assert track.at(1_500_000_000) is None  # half a second from both


def test_a_stamp_that_repeats_stands_for_the_last_and_one_a_little_late_is_left_out():
    track, still = PoseTrack(10, 0.1), (0, 0, 0, 1)
    for tenths, x in ((0, 0), (1, 1), (2, 9), (2, 2), (1, 7), (0, 7)):
        track.add(tenths * 10**8, (x, 0, 0), still)
    assert [track.at(tenths * 5 * 10**7)[0, 3] for tenths in range(5)] == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_old_poses_are_forgotten_and_time_that_goes_back_begins_anew():
    track = PoseTrack(1, 0.1)
    for i in range(100):
        track.add(i * 10**8, (i, 0, 0), (0, 0, 0, 1))
    assert track.at(50 * 10**8) is None and track.at(95 * 10**8)[0, 3] == 95
    track.add(0, (7, 0, 0), (0, 0, 0, 1))
    assert track.at(95 * 10**8) is None and track.at(0)[0, 3] == 7
