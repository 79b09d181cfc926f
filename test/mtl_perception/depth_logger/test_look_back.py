"""What came in the seconds before a trigger."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mtl_perception.depth_logger.look_back import LookBack

SECOND = 10**9


def test_the_seconds_before_come_back_in_order_and_once():
    look_back = LookBack(2.0, 5.0)
    for i in range(300):  # 10 s at 30 Hz
        look_back.add(i * SECOND // 30, i)
    taken = look_back.take(299 * SECOND // 30)
    assert taken == sorted(taken) and taken[0] >= 299 - 60 and taken[-1] >= 299 - 6
    assert 9 <= len(taken) <= 11
    assert look_back.take(299 * SECOND // 30) == []


@given(st.lists(st.integers(0, 20 * SECOND), max_size=30).map(sorted), st.floats(0.1, 5), st.floats(0.5, 30))
def test_no_more_is_held_than_rate_and_seconds_allow_and_nothing_older(stamps, seconds, rate):
    look_back = LookBack(seconds, rate)
    for stamp in stamps:
        look_back.add(stamp, stamp)
    now = stamps[-1] if stamps else 0
    taken = look_back.take(now)
    assert len(taken) <= seconds * rate + 1
    assert all(now - stamp <= seconds * 1e9 + 1 for stamp in taken)
    assert all(b - a >= 0.9e9 / rate for a, b in pairwise(taken))
    assert taken or not stamps or seconds * rate < 1


def test_a_rate_of_just_the_cameras_takes_every_frame_though_stamps_tremble():
    look_back = LookBack(1.0, 10.0)
    for i in range(10):
        look_back.add(i * SECOND // 10 + (-1) ** i * SECOND // 300, i)
    assert look_back.take(SECOND) == list(range(10))


def test_zero_seconds_keep_nothing():
    look_back = LookBack(0.0, 5.0)
    look_back.add(5, "x")
    assert look_back.take(5) == []


def test_time_that_goes_back_begins_anew_and_what_is_later_than_the_trigger_is_not_taken():
    look_back = LookBack(2.0, 100.0)
    look_back.add(100 * SECOND, "old")
    look_back.add(5 * SECOND, "a")
    look_back.add(6 * SECOND, "b")
    look_back.add(7 * SECOND, "late")
    assert look_back.take(6 * SECOND + 1) == ["a", "b"]
