"""Each image goes with the nearest of its moment, once, and every image comes out in order, whatever the stamps do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_perception.evaluation.stamp_matching import TOLERANCE, StampMatching

MS = 1_000_000
examples = settings(max_examples=200)


def matched(events: list[tuple[str, int, int]], others=("depth",)) -> tuple[list[tuple[int, int | None]], list[str]]:
    """Image and depth stamps (ms) that went together, and the jumps; ``events``: stream, stamp and time, ms."""
    matching, found = StampMatching(others), []
    for name, stamp, time in sorted(events, key=lambda e: e[2]):
        add = matching.add_image if name == "image" else lambda *rest, name=name: matching.add(name, *rest)
        found += add(stamp * MS, time * MS, stamp)
    found += matching.finish()
    assert [m.index for m in found] == list(range(len(found)))
    return [(m.image, m.others.get("depth")) for m in found], matching.jumps


def test_the_nearest_within_the_tolerance_is_taken_wherever_it_comes():
    events = [("image", 100, 100), ("depth", 95, 90), ("depth", 104, 180), ("image", 200, 200), ("depth", 230, 231)]
    assert matched(events)[0] == [(100, 104), (200, None)]
    assert matched([("image", 100, 100), ("depth", 120, 101)])[0] == [(100, 120)]
    assert matched([("image", 100, 100), ("depth", 121, 101)])[0] == [(100, None)]
    assert TOLERANCE == 20 * MS


def test_one_depth_is_not_given_twice():
    events = [("image", 100, 100), ("image", 110, 110), ("depth", 105, 120), ("depth", 300, 300)]
    assert matched(events)[0] == [(100, 105), (110, None)]


def test_depth_that_stops_holds_images_up_for_a_second_only():
    matching = StampMatching(("depth",))
    list(matching.add_image(0, 0, "a"))
    assert list(matching.add_image(900 * MS, 900 * MS, "b")) == []
    (match,) = matching.add_image(1100 * MS, 1100 * MS, "c")
    assert match.image == "a"


def test_streams_that_lack_images_do_not_pile_up():
    matching = StampMatching(("depth",))
    for i in range(1000):
        list(matching.add("depth", i * 33 * MS, i * 33 * MS, i))
    assert len(matching._waiting["depth"]) < 40


def test_without_other_streams_images_come_at_once():
    matching = StampMatching(())
    assert [m.stamp for m in matching.add_image(5, 5, "a")] == [5]


def test_where_clocks_jump_back_old_and_new_do_not_mix():
    events = []
    for i in range(5):
        events += [("image", 1000 + 100 * i, 100 * i), ("depth", 1000 + 100 * i, 100 * i + 5)]
    for i in range(5):
        events += [("image", 900 + 100 * i, 500 + 100 * i), ("depth", 900 + 100 * i, 500 + 100 * i + 5)]
    found, jumps = matched(events)
    assert [image for image, _ in found] == [1000, 1100, 1200, 1300, 1400, 900, 1000, 1100, 1200, 1300]
    assert all(depth in (image, None) for image, depth in found)
    assert sum(depth is not None for _, depth in found) >= 9
    assert jumps == ["stamps jump back by 0.500 s at image 5"]


@pytest.mark.parametrize("late", [-5, 5])
def test_where_a_bag_was_recorded_anew_nothing_is_lost(late):
    """Depth before its image, or after."""
    events = []
    for i in range(10):
        stamp = 100_000 + 100 * i if i < 5 else 100 * i
        events += [("image", stamp, 100 * i), ("depth", stamp, 100 * i + late)]
    found, jumps = matched(events)
    assert all(image == depth for image, depth in found) and len(found) == 10
    assert jumps == ["stamps jump back by 99.900 s at image 5"]


def test_jumps_ahead_are_told_and_pauses_are_none():
    assert matched([("image", 0, 0), ("image", 5000, 5000)])[1] == []
    assert matched([("image", 0, 0), ("image", 5000, 100)])[1] == ["stamps jump ahead by 5.000 s at image 1"]


def test_many_jumps_are_counted():
    events = [("image", 1000 * (i % 2), 1000 * i) for i in range(20)]
    jumps = matched(events)[1]
    assert len(jumps) == 6 and jumps[-1].startswith("and ")


@examples
@given(st.lists(st.tuples(st.sampled_from(["image", "depth"]), st.integers(0, 300), st.integers(0, 3000)), max_size=40))
def test_whatever_comes_every_image_comes_out_once_with_what_is_near(events):
    found, _ = matched(events)
    images = [stamp for name, stamp, _ in sorted(events, key=lambda e: e[2]) if name == "image"]
    assert [image for image, _ in found] == images
    assert all(depth is None or abs(image - depth) <= 20 for image, depth in found)
    given_depths = [depth for _, depth in found if depth is not None]
    recorded = [stamp for name, stamp, _ in events if name == "depth"]
    assert all(given_depths.count(d) <= recorded.count(d) for d in given_depths)
