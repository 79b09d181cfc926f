"""The kitchen: counters with sink and hob, wall cupboards, refrigerator."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.rooms import mesh, pictures, textures
from training.rooms.furniture import props
from training.rooms.furniture.item import Furniture, Item, Surface
from training.rooms.furniture.seating import stool
from training.rooms.furniture.storage import fronts
from training.rooms.materials import Material, Palette


def _worktop(p: Palette) -> Material:
    def make() -> Material:
        if p.rng.random() < 0.5:
            return Material(textures.marble(p.rng, (0.85, 0.84, 0.82)), (1.0, 1.0), 0.35, 50)
        return p.new_wood((0.72, 0.52, 0.32)) if p.rng.random() < 0.5 else p.plastic((0.2, 0.2, 0.22))

    return p.shared("worktop", make)


def _front(p: Palette) -> Material:
    choice = p.rng.random()
    return p.shared("kitchen front", lambda: p.wood() if choice < 0.35 else p.plastic(p.accent(0.25, 0.85)))


def tap(thing: Item, p: Palette, x: float, y: float, z: float) -> None:
    """A bent tap standing at a point, reaching towards +y."""
    steel = p.steel()
    arc = [(x, y, z), (x, y, z + 0.2), (x, y + 0.03, z + 0.25), (x, y + 0.1, z + 0.26), (x, y + 0.15, z + 0.22)]
    for a, b in pairwise(arc):
        thing.rod(steel, a, b, 0.012)
    thing.rod(steel, (x - 0.05, y, z + 0.05), (x + 0.05, y, z + 0.05), 0.01)


def counter(p: Palette) -> Furniture:
    """A run of base cupboards under a worktop, with a sink, perhaps a hob, and cupboards on the wall above."""
    rng = p.rng
    modules = int(rng.integers(3, 6))
    w, d, h = 0.6 * modules, 0.62, 0.9
    piece = Furniture((w, d + 0.02, 2.2))
    base, front = piece.item("cabinet"), _front(p)
    base.box(front, (-w / 2, 0, 0.1), (w / 2, d - 0.05, h - 0.25))
    base.box(p.plain((0.12, 0.12, 0.12)), (-w / 2 + 0.01, 0, 0), (w / 2 - 0.01, d - 0.1, 0.1))
    for i in range(modules):
        x = -w / 2 + 0.6 * i
        rows, style = (4, "drawer") if rng.random() < 0.3 else (1, "top")
        fronts(base, p, front, (x, d - 0.05, 0.11), (x + 0.6, 0, h - 0.05), (rows, 1), style)
    top, plate = piece.item("counter"), _worktop(p)
    sink = int(rng.integers(modules))
    sx = -w / 2 + 0.6 * sink + 0.3
    hw, y0, y1 = 0.23, 0.14, 0.52
    for lo, hi in (
        ((-w / 2, 0), (sx - hw, d)),
        ((sx + hw, 0), (w / 2, d)),
        ((sx - hw, 0), (sx + hw, y0)),
        ((sx - hw, y1), (sx + hw, d)),
    ):
        if hi[0] - lo[0] > 0.01:
            top.box(plate, (lo[0], lo[1], h - 0.04), (hi[0], hi[1], h))
    basin, steel = piece.item("sink"), p.steel()
    _basin(basin, steel, (sx - hw, y0), (sx + hw, y1), h - 0.18, h + 0.004)
    tap(basin, p, sx, 0.09, h)
    base.box(front, (-w / 2, 0, h - 0.25), (sx - hw - 0.01, d - 0.05, h - 0.04))
    base.box(front, (sx + hw + 0.01, 0, h - 0.25), (w / 2, d - 0.05, h - 0.04))
    free = [i for i in range(modules) if i != sink]
    if rng.random() < 0.75:
        hob = int(rng.choice(free))
        free.remove(hob)
        _hob(p, piece, -w / 2 + 0.6 * hob + 0.3, d, h)
    makers = [props.mug, props.vase, props.fruit_bowl, kettle, toaster, lambda q: props.plant(q, False), props.carton]
    for i in free:
        x = -w / 2 + 0.6 * i
        props.clutter(p, piece, Surface(x + 0.03, 0.06, x + 0.57, 0.45, h, 0.4), makers, int(rng.integers(0, 3)))
    if rng.random() < 0.5:
        _upper(p, piece, w, modules)
    return piece


def _upper(p: Palette, piece: Furniture, w: float, modules: int) -> None:
    wall, front = piece.item("cabinet"), _front(p)
    wall.box(front, (-w / 2, 0, 1.45), (w / 2, 0.33, 2.15))
    fronts(wall, p, front, (-w / 2, 0.33, 1.45), (w / 2, 0, 2.15), (1, modules), "door")


def _basin(thing: Item, skin: Material, lo: tuple, hi: tuple, bottom: float, rim: float) -> None:
    """An open rectangular bowl with a rim."""
    (x0, y0), (x1, y1) = lo, hi
    t = 0.012
    thing.box(skin, (x0, y0, bottom), (x1, y1, bottom + t))
    for a, b in (
        ((x0, y0), (x1, y0 + t)),
        ((x0, y1 - t), (x1, y1)),
        ((x0, y0), (x0 + t, y1)),
        ((x1 - t, y0), (x1, y1)),
    ):
        thing.box(skin, (*a, bottom), (*b, rim))


def _hob(p: Palette, piece: Furniture, x: float, d: float, h: float) -> None:
    stove, black = piece.item("otherfurniture"), p.plain((0.05, 0.05, 0.06), 0.5, 60)
    stove.box(black, (x - 0.28, 0.08, h), (x + 0.28, 0.56, h + 0.008))
    for dx in (-0.13, 0.13):
        for y in (0.2, 0.44):
            stove.tube(p.plain((0.25, 0.25, 0.26), 0.3), (x + dx, y, h + 0.006), 0.006, 0.09)
    stove.box(p.steel(), (x - 0.285, d - 0.035, 0.2), (x + 0.285, d - 0.005, 0.78), 0.004)
    stove.box(black, (x - 0.22, d - 0.006, 0.3), (x + 0.22, d, 0.62))
    stove.rod(p.steel(), (x - 0.22, d + 0.015, 0.69), (x + 0.22, d + 0.015, 0.69), 0.009)
    if p.rng.random() < 0.7:
        pot = piece.item("otherprop")
        at = (x - 0.13, 0.2, h + 0.013)
        pot.lathe(p.steel(), [(0, 0), (0.09, 0), (0.09, 0.12), (0.085, 0.12), (0.085, 0.11), (0, 0.125)], at)
        pot.rod(p.plain((0.08, 0.08, 0.08)), (x - 0.05, 0.2, h + 0.1), (x + 0.1, 0.26, h + 0.11), 0.009)


def kettle(p: Palette) -> Furniture:
    """A kettle."""
    piece = Furniture((0.24, 0.2, 0.27))
    skin = p.steel() if p.rng.random() < 0.5 else p.plastic()
    thing = piece.item("otherprop")
    thing.lathe(skin, [(0, 0), (0.09, 0), (0.085, 0.1), (0.055, 0.2), (0, 0.215)], (0, 0.1, 0))
    thing.rod(p.plain((0.08, 0.08, 0.08)), (0.06, 0.1, 0.2), (0.11, 0.1, 0.16), 0.011)
    thing.rod(p.plain((0.08, 0.08, 0.08)), (0.11, 0.1, 0.16), (0.085, 0.1, 0.04), 0.011)
    return piece


def toaster(p: Palette) -> Furniture:
    """A toaster or small oven."""
    big = p.rng.random() < 0.4
    w, d, h = (0.46, 0.34, 0.27) if big else (0.28, 0.18, 0.19)
    piece = Furniture((w, d, h))
    thing, skin = piece.item("otherprop"), p.steel() if p.rng.random() < 0.5 else p.plastic()
    thing.box(skin, (-w / 2, 0, 0.01), (w / 2, d - 0.01, h), 0.01 if big else 0.05)
    if big:
        thing.box(
            p.plain((0.05, 0.05, 0.06), 0.5), (-w / 2 + 0.02, d - 0.015, 0.04), (w / 4, d - 0.002, h - 0.03), 0.004
        )
    else:
        thing.box(p.plain((0.05, 0.05, 0.05)), (-w / 2 + 0.04, 0.06, h - 0.005), (w / 2 - 0.04, 0.08, h + 0.0))
    return piece


def refrigerator(p: Palette) -> Furniture:
    """A tall refrigerator with freezer door."""
    rng = p.rng
    w, d, h = rng.uniform(0.6, 0.75), rng.uniform(0.62, 0.7), rng.uniform(1.6, 1.9)
    piece = Furniture((w, d + 0.05, h))
    thing = piece.item("refrigerator")
    skin = p.steel() if rng.random() < 0.4 else p.plain((0.92, 0.92, 0.91), 0.35, 40)
    thing.box(skin, (-w / 2, 0, 0.03), (w / 2, d - 0.07, h), 0.01)
    thing.box(p.plain((0.1, 0.1, 0.1)), (-w / 2 + 0.03, 0.03, 0), (w / 2 - 0.03, d - 0.09, 0.04))
    split = h * rng.choice([0.38, 0.68])
    for z0, z1 in ((0.06, split - 0.004), (split + 0.004, h)):
        thing.box(skin, (-w / 2, d - 0.065, z0), (w / 2, d, z1), 0.02)
    for z in (split - 0.3, split + 0.06):
        thing.rod(p.metal(), (-w / 2 + 0.07, d + 0.03, z), (-w / 2 + 0.07, d + 0.03, z + 0.24), 0.011)
        for end in (z + 0.01, z + 0.23):
            thing.rod(p.metal(), (-w / 2 + 0.07, d - 0.005, end), (-w / 2 + 0.07, d + 0.03, end), 0.008)
    if rng.random() < 0.5:
        notes = piece.item("paper")
        for _ in range(3):
            x, z = rng.uniform(-w / 4, w / 2 - 0.15), rng.uniform(split + 0.1, h - 0.3)
            from_page = p.picture(pictures.page(rng))
            notes.add(mesh.panel((x, d + 0.0015, z), (x + 0.1, d + 0.0015, z + 0.14)), from_page)
    return piece


def pedestal(p: Palette) -> Furniture:
    """An island counter with stools before it."""
    w = p.rng.uniform(1.2, 1.7)
    piece = Furniture((w, 1.05, 1.3))
    body, front = piece.item("cabinet"), _front(p)
    body.box(front, (-w / 2 + 0.03, 0.04, 0), (w / 2 - 0.03, 0.6, 0.87), 0.005)
    fronts(body, p, front, (-w / 2 + 0.05, 0.6, 0.1), (w / 2 - 0.05, 0, 0.85), (1, 3), "top")
    piece.item("counter").box(_worktop(p), (-w / 2, 0, 0.87), (w / 2, 0.66, 0.91), 0.004)
    makers = [props.fruit_bowl, props.vase, props.mug, props.books_pile]
    props.clutter(p, piece, Surface(-w / 2 + 0.05, 0.1, w / 2 - 0.05, 0.55, 0.91, 0.35), makers, 3)
    for x in np.arange(-w / 2 + 0.3, w / 2 - 0.2, 0.5):
        piece.include(stool(p), at=(x, 0.66, 0))
    return piece
