"""Furniture stands inside the room and not in other furniture."""

from __future__ import annotations

import numpy as np
import pytest

from training.rooms import mesh
from training.rooms.furniture.beds import bed_group
from training.rooms.furniture.kitchen import refrigerator
from training.rooms.furniture.storage import bookshelf, dresser
from training.rooms.furniture.tables import desk_group
from training.rooms.layout import Layout, Plan, item_boxes
from training.rooms.materials import Palette
from training.rooms.scene import Scene


@pytest.fixture
def layout() -> Layout:
    return Layout(Plan(4.0, 5.0, 2.5), Scene(), np.random.default_rng(0))


@pytest.fixture
def palette() -> Palette:
    return Palette(np.random.default_rng(1))


def test_two_things_do_not_share_a_place(layout, palette):
    wall = layout.plan.walls()[0]
    assert layout.put(refrigerator(palette), wall.matrix(1.0, 0))
    assert not layout.put(refrigerator(palette), wall.matrix(1.2, 0))
    assert layout.put(refrigerator(palette), wall.matrix(2.2, 0))


def test_nothing_reaches_through_a_wall_or_the_ceiling(layout, palette):
    wall = layout.plan.walls()[1]
    assert not layout.put(refrigerator(palette), wall.matrix(0.1, 0))
    assert not layout.put(refrigerator(palette), wall.matrix(1.0, 1.5))


def test_the_notch_of_an_l_shaped_room_is_outside(palette):
    layout = Layout(Plan(4.0, 5.0, 2.5, (2.0, 3.0)), Scene(), np.random.default_rng(0))
    assert not layout.put(refrigerator(palette), mesh.placed(0, (3.0, 3.5, 0)))
    assert len(layout.plan.walls()) == 6
    area = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in layout.plan.rectangles())
    assert area == pytest.approx(4 * 5 - 2 * 2)


def test_kept_space_stays_free(layout, palette):
    wall = layout.plan.walls()[0]
    layout.keep_clear((-0.5, 0.05, 0.02), (0.5, 0.9, 2.0), wall.matrix(2.0, 0))
    assert not layout.put(refrigerator(palette), wall.matrix(2.0, 0))


def test_a_room_too_full_says_so(palette):
    layout = Layout(Plan(2.5, 2.5, 2.5), Scene(), np.random.default_rng(0))
    placed = [layout.against_wall(refrigerator(palette), front=0.4) for _ in range(15)]
    assert 2 <= sum(placed) < 15


@pytest.mark.parametrize("make", [bed_group, desk_group, dresser, refrigerator, bookshelf])
def test_furniture_keeps_to_the_size_it_states_and_stands_on_the_floor(make):
    for seed in range(4):
        piece = make(Palette(np.random.default_rng(seed)))
        boxes = item_boxes(piece)
        lo, hi = boxes[:, 0].min(0), boxes[:, 1].max(0)
        width, depth, height = piece.size
        assert lo[0] >= -width / 2 - 0.08 and hi[0] <= width / 2 + 0.08
        assert lo[1] >= -0.02 and hi[1] <= depth + 0.08
        assert lo[2] == pytest.approx(0, abs=0.01) and hi[2] <= height + 0.45
