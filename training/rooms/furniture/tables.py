"""Tables and desks, with what stands on and around them."""

from __future__ import annotations

import numpy as np

from training.rooms import mesh, pictures
from training.rooms.furniture import props
from training.rooms.furniture.item import Furniture, Item, Surface
from training.rooms.furniture.seating import chair, office_chair, sofa
from training.rooms.materials import Material, Palette


def _top_and_legs(thing: Item, p: Palette, wood: Material, size: tuple[float, float, float], style: int) -> None:
    w, d, h = size
    leg = wood if style else p.metal()
    thing.box(wood, (-w / 2, 0, h - 0.035), (w / 2, d, h), 0.008)
    inset, r = 0.05, 0.028
    for x in (-w / 2 + inset, w / 2 - inset):
        for y in (inset, d - inset):
            if style == 1:
                thing.box(leg, (x - r, y - r, 0), (x + r, y + r, h - 0.03), 0.006)
            else:
                thing.tube(leg, (x, y, 0), h - 0.03, r * 0.6, r)
    if style:
        thing.box(wood, (-w / 2 + inset, inset - 0.01, h - 0.11), (w / 2 - inset, inset + 0.01, h - 0.03))
        thing.box(wood, (-w / 2 + inset, d - inset - 0.01, h - 0.11), (w / 2 - inset, d - inset + 0.01, h - 0.03))


def dining_group(p: Palette) -> Furniture:
    """A table with chairs around it."""
    rng = p.rng
    round_top = rng.random() < 0.3
    w = rng.uniform(0.9, 1.2) if round_top else rng.uniform(1.2, 1.9)
    d, h = (w if round_top else rng.uniform(0.8, 0.95)), 0.75
    reach = 0.34
    group = Furniture((w + 2 * reach * round_top + 0.1, d + 2 * reach + 0.1, 1.05))
    table, wood, y0 = group.item("table"), p.wood(), reach + 0.05
    if round_top:
        r = w / 2
        table.lathe(wood, [(0, h - 0.04), (r - 0.01, h - 0.04), (r, h - 0.02), (r - 0.005, h), (0, h)], (0, y0 + r, 0))
        table.lathe(
            wood, [(0, 0), (0.3, 0), (0.28, 0.03), (0.05, 0.08), (0.045, h - 0.05), (0.15, h - 0.035)], (0, y0 + r, 0)
        )
    else:
        top = Furniture((w, d, h))
        _top_and_legs(top.item("table"), p, wood, (w, d, h), int(rng.integers(3)))
        table.parts += top.transformed(mesh.placed(at=(0, y0, 0))).items[0].parts
    style = int(rng.integers(3))
    per_side = 1 if round_top else int(w // 0.62)
    for side in (0, 1):
        for i in range(per_side):
            if rng.random() < 0.12:
                continue
            x = (i + 0.5 - per_side / 2) * w / per_side
            out = rng.uniform(0.0, 0.08)
            y = y0 - reach + 0.08 - out if side == 0 else y0 + d + reach - 0.08 + out
            group.include(chair(p, style, wood), np.pi * side + rng.normal(0, 0.05), (x, y, 0))
    if round_top:
        for side in (-1, 1):
            x = side * (w / 2 + reach - 0.02)
            group.include(chair(p, style, wood), side * np.pi / 2, (x, y0 + d / 2, 0))
    x = w / 2 - (0.25 if round_top else 0.12)
    makers = [props.vase, props.fruit_bowl, props.mug, props.books_pile, props.papers, props.laptop]
    props.clutter(p, group, Surface(-x, y0 + d * 0.28, x, y0 + d * 0.78, h), makers, int(rng.integers(1, 6)))
    return group


def coffee_table(p: Palette) -> Furniture:
    """A low table."""
    rng = p.rng
    w, d, h = rng.uniform(0.8, 1.15), rng.uniform(0.5, 0.6), rng.uniform(0.36, 0.45)
    piece = Furniture((w, d, h + 0.3))
    table, wood = piece.item("table"), p.wood()
    _top_and_legs(table, p, wood, (w, d, h), int(rng.integers(3)))
    if rng.random() < 0.5:
        table.box(wood, (-w / 2 + 0.05, 0.05, 0.13), (w / 2 - 0.05, d - 0.05, 0.15))
    makers = [props.books_pile, props.mug, props.vase, props.fruit_bowl, props.papers, lambda q: props.plant(q, False)]
    props.clutter(
        p, piece, Surface(-w / 2 + 0.04, 0.04, w / 2 - 0.04, d - 0.04, h, 0.3), makers, int(rng.integers(1, 5))
    )
    return piece


def side_table(p: Palette) -> Furniture:
    """A small round table with a lamp or plant."""
    h, r = p.rng.uniform(0.5, 0.62), p.rng.uniform(0.2, 0.26)
    piece = Furniture((2 * r, 2 * r, h + 0.55))
    table, wood = piece.item("table"), p.wood()
    table.lathe(wood, [(0, h - 0.025), (r, h - 0.025), (r, h), (0, h)], (0, r, 0))
    for i in range(3):
        a = 0.5 + i * 2 * np.pi / 3
        table.rod(
            wood,
            (0.9 * r * np.cos(a), r + 0.9 * r * np.sin(a), 0),
            (0.5 * r * np.cos(a), r + 0.5 * r * np.sin(a), h - 0.02),
            0.014,
        )
    prop = props.table_lamp(p) if p.rng.random() < 0.6 else props.plant(p, False)
    piece.include(prop, at=(0, r - prop.size[1] / 2, h))
    return piece


def desk_group(p: Palette) -> Furniture:
    """A desk with drawers, screen or laptop, lamp, papers and a chair before it."""
    rng = p.rng
    w, d, h = rng.uniform(1.15, 1.6), rng.uniform(0.62, 0.75), 0.74
    group = Furniture((w, d + 0.62, 1.3))
    desk, wood = group.item("desk"), p.wood()
    desk.box(wood, (-w / 2, 0, h - 0.03), (w / 2, d, h), 0.006)
    front = p.matte(p.accent(0.3, 0.8)) if rng.random() < 0.3 else wood
    side = rng.choice([-1, 1])
    x0, x1 = sorted((side * (w / 2 - 0.03), side * (w / 2 - 0.43)))
    desk.box(wood, (x0, 0.03, 0.06), (x1, d - 0.05, h - 0.02), 0.003)
    for i in range(3):
        z = 0.09 + i * 0.2
        desk.box(front, (x0 + 0.015, d - 0.06, z), (x1 - 0.015, d - 0.035, z + 0.185), 0.005)
        desk.box(
            p.metal(), ((x0 + x1) / 2 - 0.06, d - 0.03, z + 0.12), ((x0 + x1) / 2 + 0.06, d - 0.015, z + 0.135), 0.004
        )
    leg = p.metal() if rng.random() < 0.5 else wood
    for y in (0.05, d - 0.09):
        x = -side * (w / 2 - 0.05)
        desk.box(leg, (x - 0.02, y, 0), (x + 0.02, y + 0.04, h - 0.02), 0.004)
    desk.box(wood, (-w / 2 + 0.06, 0.04, 0.35), (w / 2 - 0.06, 0.055, h - 0.03))
    seat_x = -side * 0.12
    machine = props.monitor(p) if rng.random() < 0.65 else props.laptop(p)
    group.include(machine, rng.normal(0, 0.04), (seat_x, 0.1, h))
    free = w / 2 - abs(seat_x) - machine.size[0] / 2
    right = (seat_x + machine.size[0] / 2 + 0.05, w / 2 - 0.03)
    left = (-w / 2 + 0.03, seat_x - machine.size[0] / 2 - 0.05)
    wide, other = (right, left) if right[1] - right[0] > left[1] - left[0] else (left, right)
    if free > 0:
        lamp = props.table_lamp(p)
        if wide[1] - wide[0] > lamp.size[0]:
            group.include(lamp, at=(sum(wide) / 2, 0.05, h))
        props.clutter(
            p, group, Surface(wide[0], 0.36, wide[1], d - 0.02, h), [props.papers, props.books_pile, props.mug], 2
        )
    props.clutter(
        p,
        group,
        Surface(other[0], 0.05, other[1], d - 0.04, h),
        [props.books_pile, props.mug, props.papers, props.photo_frame],
        2,
    )
    seat = office_chair(p) if rng.random() < 0.7 else chair(p)
    group.include(seat, np.pi + rng.normal(0, 0.2), (seat_x, d + 0.5, 0))
    return group


def sofa_group(p: Palette) -> Furniture:
    """A sofa with a coffee table on a rug before it, perhaps a side table."""
    couch, low = sofa(p), coffee_table(p)
    w = max(couch.size[0], low.size[0])
    side = p.rng.random() < 0.6
    group = Furniture((w + 1.16 * side, couch.size[1] + 0.4 + low.size[1] + 0.15, 1.2))
    group.include(couch)
    y = couch.size[1] + 0.35
    group.include(low, at=(p.rng.normal(0, 0.04), y, 0))
    if p.rng.random() < 0.75:
        mat = group.item("floor mat")
        rug = p.picture(pictures.rug(p.rng), specular=0.0)
        x, y0, y1 = w / 2 * p.rng.uniform(0.9, 1.0), couch.size[1] * 0.7, y + low.size[1] + 0.18
        mat.box(p.matte((0.5, 0.45, 0.4)), (-x, y0, 0), (x, y1, 0.005))
        mat.add(mesh.mat((-x, y0, 0.0055), (x, y1, 0.0055)), rug)
    if side:
        group.include(side_table(p), at=(p.rng.choice([-1, 1]) * (couch.size[0] / 2 + 0.29), 0.15, 0))
    return group
