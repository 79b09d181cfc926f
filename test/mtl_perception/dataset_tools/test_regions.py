"""Polygons and run lengths become the masks that pycocotools makes of them; nonsense is refused, never drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from labelling_exports import counts
from pycocotools import mask as coco_mask

from mtl_perception.dataset_tools.regions import painted, polygon_mask, run_length_mask

masks = st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(lambda size: arrays(np.bool_, size))


@given(masks)
def test_both_kinds_of_run_lengths_give_the_mask_back(mask):
    text = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(run_length_mask(text, *mask.shape), mask)
    np.testing.assert_array_equal(run_length_mask(counts(mask), *mask.shape), mask)


def test_long_runs_survive_compression():
    mask = np.zeros((480, 640), bool)
    mask[100:300, 50:600] = True
    text = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(run_length_mask(text, 480, 640), mask)


@given(st.text(max_size=30) | st.lists(st.integers(-5, 200) | st.floats() | st.none(), max_size=8) | st.none())
def test_run_lengths_are_a_mask_of_the_size_or_refused(lengths):
    try:
        mask = run_length_mask(lengths, 10, 12)
    except ValueError:
        return
    assert mask.shape == (10, 12) and mask.dtype == bool


@pytest.mark.parametrize("lengths", [[5, 2], [5, 100_000], [-5, 125], [60.0, 60.0], [True] * 120, [], "1", "~~~~"])
def test_run_lengths_that_do_not_fill_the_picture_are_refused(lengths):
    with pytest.raises(ValueError, match="run lengths"):
        run_length_mask(lengths, 10, 12)


def star(seed: int, corners: int) -> np.ndarray:
    """A polygon around (40, 40), (N, 2), that no edge of crosses another."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    return 40 + rng.uniform(8, 60, corners)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)


@given(st.integers(0, 10**6), st.integers(3, 20))
def test_a_polygon_covers_what_pycocotools_says_but_for_its_edge(seed, corners):
    points = star(seed, corners)
    ours = polygon_mask(points.ravel().tolist(), 80, 90)
    runs = coco_mask.merge(coco_mask.frPyObjects([points.ravel().tolist()], 80, 90))
    theirs = coco_mask.decode(runs).astype(bool)
    near_the_edge = np.zeros((80, 90), np.uint8)
    cv2.polylines(near_the_edge, [np.round((points - 0.5) * 256).astype(np.int32)], True, 1, thickness=3, shift=8)
    assert not ((ours != theirs) & (near_the_edge == 0)).any()


def test_a_pixel_belongs_to_a_polygon_by_its_centre():
    mask = polygon_mask([1.0, 2.0, 4.0, 2.0, 4.0, 5.0, 1.0, 5.0], 8, 8)
    expected = np.zeros((8, 8), bool)
    expected[2:5, 1:4] = True
    np.testing.assert_array_equal(mask, expected)
    assert not polygon_mask([1.6, 2.6, 2.4, 2.6, 2.4, 3.4, 1.6, 3.4], 8, 8).any()


def test_neighbouring_polygons_share_no_pixel_and_leave_none():
    left = polygon_mask([0, 0, 3.5, 0, 6.5, 8, 0, 8], 8, 10)
    right = polygon_mask([3.5, 0, 10, 0, 10, 8, 6.5, 8], 8, 10)
    assert (left ^ right).all()


def test_a_polygon_may_reach_beyond_the_picture_and_cross_itself():
    assert polygon_mask([-50, -50, 50, -50, 50, 50, -50, 50], 6, 7).all()
    twice_around = [1, 1, 6, 1, 6, 6, 1, 6] * 2
    assert not polygon_mask(twice_around, 8, 8).any()  # even: outside


@pytest.mark.parametrize(
    "points",
    [
        *([], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7], [[1] * 6], "abcdef", None, 7),
        *([1, 2, 3, 4, 5, bad] for bad in (float("nan"), float("inf"), 1e30, 10**400, "x", None, {})),
    ],
)
def test_what_is_no_polygon_is_refused(points):
    with pytest.raises(ValueError, match="polygon"):
        polygon_mask(points, 8, 8)


def test_the_smaller_region_lies_on_the_larger_whatever_the_order():
    wall, picture = np.ones((6, 6), bool), np.zeros((6, 6), bool)
    picture[2:4, 2:4] = True
    for regions in ([(1, wall), (2, picture)], [(2, picture), (1, wall)]):
        canvas = painted(regions, 6, 6)
        assert (canvas[picture] == 2).all() and (canvas[~picture] == 1).all()
    assert not painted([], 6, 6).any()
