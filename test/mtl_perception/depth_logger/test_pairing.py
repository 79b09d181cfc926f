"""Colour and depth paired by stamps, in whatever order they come, and clocks that are apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_perception.depth_logger.pairing import StampPairing

MS = 10**6
PERIOD = 33 * MS
PATIENCE = 500 * MS


def fed(pairing: StampPairing, events) -> list[tuple[int, int]]:
    """Stamps of the pairs made of ``events``: (time of arrival, kind, stamp), all ns."""
    pairs = []
    for now, kind, stamp in sorted(events):
        add = pairing.add_colour if kind == "colour" else pairing.add_depth
        pairs += add(stamp, f"{kind} {stamp}", now)
    assert all((p.colour, p.depth) == (f"colour {p.stamp}", f"depth {p.depth_stamp}") for p in pairs)
    return [(p.stamp, p.depth_stamp) for p in pairs]


def stream(kind: str, count: int, *, first: int = 0, late: int = 0, clock: int = 0, period: int = PERIOD):
    """Messages taken every ``period`` from ``first``, stamped by a clock ahead by ``clock``, that come ``late``."""
    return [(first + i * period + late, kind, first + i * period + clock) for i in range(count)]


@given(
    offset=st.integers(-15, 15),
    late=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    start=st.integers(-5, 5),
)
def test_streams_of_one_rate_are_paired_to_the_last_whichever_comes_later(offset, late, start):
    colour = stream("colour", 40, late=late[0] * MS)
    depth = stream("depth", 50, first=offset * MS - 5 * PERIOD, late=late[1] * MS)
    pairing = StampPairing(20 * MS, PATIENCE)
    pairs = fed(pairing, colour + depth)
    assert pairs == [(i * PERIOD, i * PERIOD + offset * MS) for i in range(40)]
    assert pairing.counts.colour_alone == 0


@given(
    st.lists(st.integers(0, 500), max_size=15).map(sorted),
    st.lists(st.integers(0, 500), max_size=15).map(sorted),
    st.lists(st.booleans(), min_size=30, max_size=30),
    st.integers(0, 60),
    st.integers(1, 40),
)
def test_whatever_comes_no_pair_is_beyond_the_tolerance_and_nothing_is_used_twice(
    colour, depth, turns, tolerance, patience
):
    pairing = StampPairing(tolerance, patience)
    left = {
        "colour": [(f"c{i}", s) for i, s in enumerate(colour)],
        "depth": [(f"d{i}", s) for i, s in enumerate(depth)],
    }
    pairs = []
    for i, turn in enumerate(turns):
        kind = ("colour" if turn else "depth") if all(left.values()) else ("colour" if left["colour"] else "depth")
        if left[kind]:
            item, stamp = left[kind].pop(0)
            pairs += (pairing.add_colour if kind == "colour" else pairing.add_depth)(stamp, item, i)
    assert all(abs(p.stamp - p.depth_stamp) <= tolerance for p in pairs)
    assert len({p.colour for p in pairs}) == len({p.depth for p in pairs}) == len(pairs) == pairing.counts.pairs
    assert [p.stamp for p in pairs] == sorted(p.stamp for p in pairs)
    waiting = pairing.counts.colour - pairing.counts.pairs - pairing.counts.colour_alone
    assert 0 <= waiting <= patience + 1
    assert 0 <= pairing.counts.depth - pairing.counts.pairs - pairing.counts.depth_alone <= patience + 1


@given(st.integers(0, 10), st.integers(1, 4))
def test_depth_at_a_lower_rate_goes_to_the_nearest_colour(offset, every):
    colour = stream("colour", 60)
    depth = stream("depth", 60 // every, first=offset * MS, period=every * PERIOD, late=50 * MS)
    pairs = fed(StampPairing(12 * MS, PATIENCE), colour + depth)
    wanted = [(i * every * PERIOD, i * every * PERIOD + offset * MS) for i in range(60 // every)]
    assert pairs in (wanted, wanted[:-1])  # the last may wait for what could be nearer


def test_a_pair_of_one_stamp_does_not_wait():
    pairing = StampPairing(20 * MS, PATIENCE)
    assert not pairing.add_depth(5 * PERIOD, "d", 0)
    assert len(pairing.add_colour(5 * PERIOD, "c", 0)) == 1


def test_depth_that_does_not_come_leaves_colour_alone_and_holds_no_more_than_it_may():
    pairing = StampPairing(20 * MS, PATIENCE)
    assert fed(pairing, stream("colour", 100)) == []
    assert pairing.counts.colour_alone == 100 - 1 - PATIENCE // PERIOD
    assert pairing.clock_difference is None
    assert fed(pairing, stream("depth", 10, first=100 * PERIOD) + stream("colour", 10, first=100 * PERIOD)) != []


@pytest.mark.parametrize("clock", [1000, -1000, 600, -600])
def test_clocks_apart_make_no_pairs_though_the_stamps_of_other_moments_agree_and_are_measured(clock):
    pairing = StampPairing(20 * MS, PATIENCE)
    assert not fed(pairing, stream("colour", 90, clock=clock * MS, late=10 * MS) + stream("depth", 90, late=30 * MS))
    assert abs(pairing.clock_difference - clock * MS) <= 20 * MS
    assert pairing.counts.colour_alone > 60 and pairing.counts.depth_alone > 60


def test_stamps_that_go_back_begin_anew():
    pairing = StampPairing(20 * MS, PATIENCE)
    both = stream("colour", 20) + stream("depth", 20, late=40 * MS)
    later = [(now + 10**10, kind, stamp) for now, kind, stamp in both]
    assert len(fed(pairing, both + later)) == 40
    assert pairing.counts.went_back >= 1
