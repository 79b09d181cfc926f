"""The bedroom: beds, night stands."""

from __future__ import annotations

import numpy as np

from training.rooms import mesh
from training.rooms.furniture.item import Furniture, Surface
from training.rooms.furniture.props import book_row, books_pile, clutter, mug, photo_frame, table_lamp, vase
from training.rooms.materials import Material, Palette


def bed(p: Palette, width: float | None = None) -> Furniture:
    """A made bed with headboard, blanket and pillows."""
    rng = p.rng
    w, length = width or rng.choice([0.95, 1.4, 1.6, 1.8]), rng.uniform(1.98, 2.1)
    board = rng.uniform(0.85, 1.2)
    piece = Furniture((w + 0.1, length + 0.1, board))
    frame = piece.item("bed")
    wood = p.wood() if rng.random() < 0.6 else p.fabric()
    base, top = rng.uniform(0.26, 0.34), rng.uniform(0.48, 0.6)
    soft = wood.specular == 0
    frame.box(wood, (-w / 2 - 0.04, 0, 0), (w / 2 + 0.04, 0.07, board), 0.03 if soft else 0.012)
    frame.box(wood, (-w / 2 - 0.03, 0.06, 0.1), (w / 2 + 0.03, length + 0.05, base), 0.015)
    for x in (-w / 2, w / 2):
        frame.box(wood, (x - 0.03, length - 0.02, 0), (x + 0.03, length + 0.04, 0.12), 0.005)
    frame.box(p.linen(), (-w / 2, 0.08, base - 0.02), (w / 2, length + 0.02, top), 0.07)
    blanket, start = p.fabric(), rng.uniform(0.55, 0.95)
    _blanket(frame, blanket, rng, w, start + 0.17, length + 0.04, base - rng.uniform(-0.05, 0.12), top)
    frame.box(p.linen(), (-w / 2 - 0.02, start - 0.02, top + 0.0), (w / 2 + 0.02, start + 0.22, top + 0.04), 0.018)
    count = 1 if w < 1.2 else 2
    for row in range(int(rng.integers(1, 3))):
        for i in range(count):
            x = (i - (count - 1) / 2) * w / count
            cover = p.linen() if row == 0 else p.fabric()
            size = (min(0.68, w / count - 0.06), 0.42, 0.16) if row == 0 else (0.42, 0.38, 0.13)
            tilt = mesh.trimesh.transformations.rotation_matrix(rng.uniform(0.5, 0.9), [1, 0, 0])
            tilt[:3, 3] = (x + rng.normal(0, 0.02), 0.26 + 0.17 * row, top + 0.17 - 0.01 * row)
            piece.item("pillow").add(mesh.cushion(size).transformed(tilt), cover)
    return piece


def _blanket(
    frame, cloth: Material, rng: np.random.Generator, w: float, y0: float, y1: float, low: float, top: float
) -> None:
    """A cover that lies on the mattress and hangs over its sides and foot in soft folds."""
    drop = top - low
    across = np.concatenate([np.linspace(-1, 0, 5)[:-1], np.linspace(0, 1, 13), np.linspace(1, 2, 5)[1:]])
    x = np.clip(across, 0, 1) * (w + 0.03) - (w + 0.03) / 2
    hang = np.maximum(np.maximum(-across, across - 1), 0)
    y = np.linspace(y0, y1, 22)
    foot = np.clip((y - (y1 - 0.06)) / 0.06, 0, 1)
    grid_x, grid_y = np.meshgrid(x, y)
    fold = 0.012 * np.sin(grid_y * rng.uniform(9, 16) + rng.uniform(0, 6)) + 0.008 * np.sin(
        grid_x * rng.uniform(7, 12) + grid_y * 3
    )
    side = np.sign(across - 0.5)[None] * (0.025 * (hang > 0) + 0.03 * hang * np.sin(grid_y * 14 + across * 3))
    z = top + 0.025 + fold * (hang == 0) - drop * hang - 0.04 * foot[:, None] * (hang == 0)
    frame.add(mesh.sheet(np.stack([grid_x + side, grid_y, z], -1)), cloth)
    end = np.stack(
        [
            np.stack(
                [
                    x[4:-4],
                    np.full(13, y1 + 0.01 * k) + 0.008 * np.sin(x[4:-4] * 14),
                    np.full(13, top - 0.01 - drop * k / 3),
                ],
                -1,
            )
            for k in range(4)
        ]
    )
    frame.add(mesh.sheet(end), cloth)


def night_stand(p: Palette, wood: Material | None = None, lamp: bool = True) -> Furniture:
    """A small chest beside a bed, with a lamp or books."""
    rng = p.rng
    w, d, h = rng.uniform(0.4, 0.52), rng.uniform(0.36, 0.42), rng.uniform(0.45, 0.6)
    piece = Furniture((w, d, h))
    stand = piece.item("night stand")
    wood, knob = wood or p.wood(), p.metal()
    stand.box(wood, (-w / 2 + 0.01, 0, 0.08), (w / 2 - 0.01, d - 0.02, h - 0.02), 0.004)
    stand.box(wood, (-w / 2, 0, h - 0.025), (w / 2, d, h), 0.006)
    for x in (-w / 2 + 0.03, w / 2 - 0.03):
        for y in (0.03, d - 0.05):
            stand.tube(wood, (x, y, 0), 0.09, 0.018)
    rows = int(rng.integers(1, 3))
    for i in range(rows):
        z0 = 0.1 + i * (h - 0.14) / rows
        z1 = z0 + (h - 0.14) / rows - 0.012
        stand.box(wood, (-w / 2 + 0.025, d - 0.03, z0), (w / 2 - 0.025, d - 0.008, z1), 0.006)
        stand.add(mesh.ball(0.015).transformed(mesh.placed(at=(0, d + 0.002, (z0 + z1) / 2))), knob)
    if lamp:
        lamp_piece = table_lamp(p, rng.random() < 0.75)
        piece.include(lamp_piece, at=(rng.uniform(-0.05, 0.05), 0.05, h))
    else:
        clutter(p, piece, Surface(-w / 2, 0.04, w / 2, d - 0.02, h), [books_pile, mug, vase, photo_frame], 2)
    piece.size = (w, d, h + 0.55 * lamp)
    return piece


def bed_group(p: Palette) -> Furniture:
    """A bed between night stands."""
    centre = bed(p)
    w = centre.size[0]
    sides = [side for side in (-1, 1) if p.rng.random() < 0.85] or [1]
    wood = p.wood()
    group = Furniture((w + 1.16, centre.size[1], 1.25))
    group.include(centre)
    for side in sides:
        group.include(night_stand(p, wood, p.rng.random() < 0.7), at=(side * (w / 2 + 0.31), 0.01, 0))
    return group


def bunk_shelf_bed(p: Palette) -> Furniture:
    """A single bed with a low bookcase at its foot, as in a child's room."""
    group = Furniture((1.1, 2.5, 1.25))
    single = bed(p, 0.95)
    group.include(single)
    case, wood, y = group.item("bookshelf"), p.wood(), single.size[1] + 0.03
    for x in (-0.5, 0.48):
        case.box(wood, (x, y, 0), (x + 0.02, y + 0.28, 0.7))
    for z in (0.03, 0.35, 0.68):
        case.box(wood, (-0.48, y, z), (0.48, y + 0.28, z + 0.02))
    for z in (0.05, 0.37):
        group.include(book_row(p, 0.9, 0.24, 0.27), at=(0, y + 0.02, z))
    return group
