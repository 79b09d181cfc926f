"""Pictures for people: near and far, classes over the image, names beside colours."""

from __future__ import annotations

import numpy as np
import pytest

from mtl_perception.model_card import SemanticClass
from mtl_perception.visualize import Palette, captioned, depth_in_color, side_by_side

CLASSES = (SemanticClass(1, "wall", (200, 60, 60)), SemanticClass(7, "a chair", (60, 200, 60)))


@pytest.fixture
def palette() -> Palette:
    return Palette(CLASSES)


def test_near_is_red_and_far_is_blue():
    near, far = depth_in_color(np.array([[0.5, 10.0]]), 0.5, 10.0)[0].astype(int)
    assert near[0] > near[2] + 50 and far[2] > far[0]


def test_depth_outside_the_range_has_the_colour_of_its_end_and_none_is_black():
    depth = np.array([[0.1, 0.5, 10.0, 99.0, np.nan, np.inf, -np.inf, 0.0, -3.0]], np.float32)
    colors = depth_in_color(depth, 0.5, 10.0)
    assert colors.shape == (1, 9, 3) and colors.dtype == np.uint8
    np.testing.assert_array_equal(colors[0, 0], colors[0, 1])
    np.testing.assert_array_equal(colors[0, 2], colors[0, 3])
    assert (colors[0, 4:] == 0).all() and colors[0, :4].any(-1).all()


def test_classes_have_their_colours_and_other_ids_none(palette):
    ids = np.array([[0, 1, 7, 255, 2]], np.uint8)
    black = [0, 0, 0]
    assert palette.colors(ids)[0].tolist() == [black, [200, 60, 60], [60, 200, 60], black, black]


@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (1, 4), (13, 17)])
def test_the_overlay_mixes_where_there_is_a_class_and_leaves_the_rest_bare(palette, shape):
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (*shape, 3), np.uint8)
    ids = rng.choice(np.array([0, 1, 7, 255], np.uint8), shape)
    labelled = (ids == 1) | (ids == 7)
    for opacity in (0.0, 0.3, 1.0):
        wanted = np.where(labelled[..., None], (1 - opacity) * rgb + opacity * palette.colors(ids), rgb)
        mixed = palette.overlay(rgb, ids, opacity)
        assert mixed.dtype == np.uint8 and np.abs(mixed - wanted).max() <= 1
    assert not np.shares_memory(palette.overlay(rgb, ids, 0.0), rgb)


def test_the_overlay_takes_pictures_that_are_views(palette):
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)[3:15, 4:20]
    rgb.flags.writeable = False
    ids = np.ones((12, 16), np.uint8)
    np.testing.assert_array_equal(palette.overlay(rgb, ids, 0.5), palette.overlay(rgb.copy(), ids, 0.5))


def test_the_legend_shows_the_asked_classes_in_their_colours(palette):
    legend = palette.legend([7, 1, 99], 400)
    assert legend.shape[1] == 400
    found = {tuple(c) for c in legend.reshape(-1, 3).tolist()}
    assert {c.color for c in CLASSES} <= found
    assert palette.legend([], 400).shape[1] == 400
    assert palette.legend([1, 7], 30).shape[0] > palette.legend([1, 7], 400).shape[0]  # one below the other


def test_a_caption_stands_above_the_picture():
    image = np.full((10, 200, 3), 99, np.uint8)
    picture = captioned(image, "camera")
    np.testing.assert_array_equal(picture[-10:], image)
    assert (picture[:-10] < 100).any() and (picture[:-10] == 255).any()


@pytest.mark.parametrize("depth_range", [(0.5, 10.0), (0.0, 10.0), (0.0, 0.3), (0.1, 0.4)])
@pytest.mark.filterwarnings("error")
def test_three_pictures_in_a_row_whatever_the_networks_range(palette, depth_range):
    rgb = np.full((20, 30, 3), 100, np.uint8)
    depth = np.linspace(depth_range[0], depth_range[1], 600, dtype=np.float32).reshape(20, 30)
    row = side_by_side(rgb, depth, np.ones((20, 30), np.uint8), palette, depth_range)
    assert row.shape[1:] == (90, 3)
    colors = row[-20:, 30:60]
    assert len(np.unique(colors.reshape(-1, 3), axis=0)) > 50
