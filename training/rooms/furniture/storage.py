"""Things that hold things: bookcases, dressers, cabinets, wardrobes, shelves, television stands."""

from __future__ import annotations

import numpy as np

from training.rooms import mesh, pictures
from training.rooms.furniture import props
from training.rooms.furniture.item import Furniture, Item, Surface
from training.rooms.materials import Material, Palette

SMALL = [
    props.vase,
    props.books_pile,
    props.photo_frame,
    props.mug,
    lambda p: props.plant(p, False),
    lambda p: props.carton(p, 0.15, 0.25),
]


def bookshelf(p: Palette) -> Furniture:
    """A bookcase, mostly of books."""
    rng = p.rng
    w, d, h = rng.uniform(0.7, 1.2), rng.uniform(0.27, 0.34), rng.uniform(1.1, 2.1)
    piece = Furniture((w, d, h + 0.3))
    case, wood, board = piece.item("bookshelf"), p.wood(), 0.02
    case.box(wood, (-w / 2, 0, 0), (w / 2, 0.012, h))
    for x in (-w / 2, w / 2 - board):
        case.box(wood, (x, 0, 0), (x + board, d, h), 0.002)
    levels = max(3, int(h / rng.uniform(0.3, 0.4)))
    pitch = (h - 0.08 - board) / levels
    for i in range(levels + 1):
        z = 0.06 + i * pitch
        case.box(wood, (-w / 2 + board, 0.012, z), (w / 2 - board, d - 0.003, z + board), 0.002)
        if i == levels:
            break
        inner = w - 2 * board - 0.02
        if rng.random() < 0.75:
            piece.include(props.book_row(p, inner, d - 0.04, pitch - board - 0.02), at=(0, 0.012, z + board))
        else:
            shelf = Surface(-inner / 2, 0.02, inner / 2, d - 0.005, z + board, pitch - board - 0.02)
            props.clutter(p, piece, shelf, SMALL, 4)
    case.box(wood, (-w / 2 + board, 0.02, 0), (w / 2 - board, d - 0.03, 0.06))
    if h < 1.5:
        props.clutter(p, piece, Surface(-w / 2, 0.02, w / 2, d - 0.01, h, 0.3), SMALL, 3)
    return piece


def fronts(thing: Item, p: Palette, front: Material, lo: tuple, hi: tuple, grid: tuple[int, int], knobs: str) -> None:
    """Drawer or door fronts in ``grid`` (rows, columns) between x, z corners ``lo`` and ``hi`` on plane y ``lo[1]``."""
    (x0, y, z0), (x1, _, z1) = lo, hi
    rows, columns = grid
    metal = p.metal()
    for r in range(rows):
        for c in range(columns):
            a = (x0 + (x1 - x0) * c / columns + 0.005, z0 + (z1 - z0) * r / rows + 0.005)
            b = (x0 + (x1 - x0) * (c + 1) / columns - 0.005, z0 + (z1 - z0) * (r + 1) / rows - 0.005)
            thing.box(front, (a[0], y, a[1]), (b[0], y + 0.018, b[1]), 0.005)
            if knobs == "drawer":
                x, z = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
                thing.box(metal, (x - 0.05, y + 0.018, z - 0.006), (x + 0.05, y + 0.032, z + 0.006), 0.004)
            else:
                x = b[0] - 0.04 if c % 2 == 0 else a[0] + 0.04
                z = a[1] + (b[1] - a[1]) * (0.5 if knobs == "door" else 0.85)
                thing.box(metal, (x - 0.006, y + 0.018, z - 0.06), (x + 0.006, y + 0.034, z + 0.06), 0.004)


def dresser(p: Palette) -> Furniture:
    """A chest of drawers with things on top, perhaps a mirror over it."""
    rng = p.rng
    w, d, h = rng.uniform(0.8, 1.5), rng.uniform(0.42, 0.5), rng.uniform(0.72, 1.0)
    piece = Furniture((w, d + 0.02, h + 0.5))
    chest, wood = piece.item("dresser"), p.wood()
    chest.box(wood, (-w / 2 + 0.01, 0, 0.06), (w / 2 - 0.01, d - 0.03, h - 0.02), 0.004)
    chest.box(wood, (-w / 2, 0, h - 0.028), (w / 2, d, h), 0.008)
    for x in (-w / 2 + 0.02, w / 2 - 0.08):
        chest.box(wood, (x, d - 0.1, 0), (x + 0.06, d - 0.04, 0.07))
        chest.box(wood, (x, 0.02, 0), (x + 0.06, 0.08, 0.07))
    fronts(
        chest,
        p,
        wood,
        (-w / 2 + 0.02, d - 0.03, 0.08),
        (w / 2 - 0.02, 0, h - 0.035),
        (int(rng.integers(3, 5)), 1 if w < 1 else 2),
        "drawer",
    )
    if rng.random() < 0.45:
        glass, half, tall = piece.item("mirror"), w * rng.uniform(0.28, 0.4), rng.uniform(0.55, 0.75)
        glass.box(wood, (-half, 0.0, h), (half, 0.035, h + tall), 0.008)
        glass.add(mesh.panel((-half + 0.04, 0.0355, h + 0.04), (half - 0.04, 0.0355, h + tall - 0.04)), p.mirror())
        piece.size = (w, d + 0.02, h + tall)
    makers = [*SMALL, lambda q: props.table_lamp(q, rng.random() < 0.5)]
    props.clutter(
        p, piece, Surface(-w / 2 + 0.03, 0.06, w / 2 - 0.03, d - 0.02, h, 0.6), makers, int(rng.integers(1, 5))
    )
    return piece


def cabinet(p: Palette) -> Furniture:
    """A cupboard, low or tall."""
    rng = p.rng
    tall = rng.random() < 0.4
    w, d, h = rng.uniform(0.7, 1.1), rng.uniform(0.38, 0.48), rng.uniform(1.6, 1.95) if tall else rng.uniform(0.8, 0.95)
    piece = Furniture((w, d + 0.04, h + 0.35))
    thing, wood = piece.item("cabinet"), p.wood()
    front = wood if rng.random() < 0.6 else p.matte(p.accent(0.25, 0.85))
    thing.box(wood, (-w / 2, 0, 0.05), (w / 2, d - 0.02, h), 0.005)
    thing.box(p.plain((0.1, 0.09, 0.08)), (-w / 2 + 0.03, 0.02, 0), (w / 2 - 0.03, d - 0.06, 0.06))
    fronts(thing, p, front, (-w / 2 + 0.01, d - 0.02, 0.07), (w / 2 - 0.01, 0, h - 0.02), (1 + int(tall), 2), "door")
    props.clutter(p, piece, Surface(-w / 2, 0.03, w / 2, d - 0.04, h, 0.34), SMALL, int(rng.integers(0, 4)))
    return piece


def wardrobe(p: Palette) -> Furniture:
    """A wardrobe; one in three stands open with clothes on its rail."""
    rng = p.rng
    w, d, h = rng.uniform(1.0, 1.8), 0.58, rng.uniform(1.9, 2.15)
    piece = Furniture((w, d + 0.04, h))
    thing, wood = piece.item("cabinet"), p.wood()
    if rng.random() < 0.6:
        thing.box(wood, (-w / 2, 0, 0), (w / 2, d - 0.02, h), 0.005)
        doors = max(2, round(w / 0.5))
        fronts(thing, p, wood, (-w / 2 + 0.01, d - 0.02, 0.06), (w / 2 - 0.01, 0, h - 0.03), (1, doors), "door")
        return piece
    for x in (-w / 2, w / 2 - 0.025):
        thing.box(wood, (x, 0, 0), (x + 0.025, d, h))
    thing.box(wood, (-w / 2, 0, 0), (w / 2, 0.02, h))
    for z in (0.05, h - 0.35, h - 0.03):
        thing.box(wood, (-w / 2 + 0.02, 0.01, z), (w / 2 - 0.02, d - 0.01, z + 0.025))
    thing.rod(p.steel(), (-w / 2 + 0.02, d / 2, h - 0.42), (w / 2 - 0.02, d / 2, h - 0.42), 0.013)
    x = -w / 2 + 0.09
    while x < w / 2 - 0.1:
        piece.items.append(garment(p, x, d / 2, h - 0.44, rng.uniform(0.7, 1.1), np.pi / 2))
        x += rng.uniform(0.07, 0.16)
    props.clutter(
        p,
        piece,
        Surface(-w / 2 + 0.04, 0.04, w / 2 - 0.04, d - 0.04, h - 0.32, 0.28),
        [lambda q: props.carton(q, 0.2, 0.3)],
        3,
    )
    props.clutter(
        p,
        piece,
        Surface(-w / 2 + 0.04, 0.04, w / 2 - 0.04, d - 0.04, 0.08, 0.4),
        [lambda q: props.carton(q, 0.2, 0.4), props.bag],
        3,
    )
    return piece


def garment(p: Palette, x: float, y: float, top: float, length: float, yaw: float) -> Item:
    """A shirt, coat or dress hanging from ``top``; its shoulders run along x before turning by ``yaw``."""
    rng = p.rng
    t = np.linspace(0, 1, 9)
    half = np.interp(t, [0, 0.06, 0.5, 1], [0.05, 0.19, 0.18, rng.uniform(0.2, 0.25)])
    angle = np.linspace(0, 2 * np.pi, 17)
    thick = np.interp(t, [0, 0.1, 1], [0.02, 0.05, 0.06])
    wave = 1 + 0.16 * t[:, None] * np.sin(angle * 5 + rng.uniform(0, 6))
    grid = np.stack(
        [
            half[:, None] * np.cos(angle),
            thick[:, None] * np.sin(angle) * wave,
            np.broadcast_to(-t[:, None] * length, (9, 17)),
        ],
        -1,
    )
    cloth = p.fabric() if rng.random() < 0.5 else p.matte(p.any_color())
    item = Item("clothes").add(mesh.sheet(grid), cloth)
    for side in (-1, 1):
        sleeve = mesh.rod((side * 0.17, 0, -0.07), (side * 0.23, 0.01, -0.55), 0.045)
        item.add(sleeve, cloth)
    return item.transformed(mesh.placed(yaw, (x, y, top)))


def tv_stand(p: Palette) -> Furniture:
    """A low board with a television on it."""
    rng = p.rng
    w, d, h = rng.uniform(1.2, 1.9), rng.uniform(0.38, 0.45), rng.uniform(0.4, 0.55)
    piece = Furniture((w, d + 0.03, h + 0.8))
    board, wood = piece.item("cabinet"), p.wood()
    board.box(wood, (-w / 2, 0, 0.08), (w / 2, d - 0.02, h), 0.006)
    for x in (-w / 2 + 0.08, w / 2 - 0.08):
        for y in (0.06, d - 0.08):
            board.tube(p.metal(), (x, y, 0), 0.09, 0.018)
    fronts(board, p, wood, (-w / 2 + 0.01, d - 0.02, 0.1), (w / 2 - 0.01, 0, h - 0.015), (1, 3), "top")
    half = min(w / 2 - 0.05, rng.uniform(0.42, 0.68))
    tall = half * 1.14
    television(p, piece, half, d * 0.4, h + 0.08, tall)
    piece.items[-1].box(
        p.plain((0.06, 0.06, 0.07), 0.4), (-0.2, d * 0.4 - 0.1, h), (0.2, d * 0.4 + 0.12, h + 0.015), 0.004
    )
    piece.items[-1].box(p.plain((0.06, 0.06, 0.07)), (-0.04, d * 0.4 - 0.02, h), (0.04, d * 0.4, h + 0.12))
    rest = w / 2 - half - 0.05
    if rest > 0.16:
        props.clutter(p, piece, Surface(half + 0.05, 0.03, w / 2 - 0.02, d - 0.04, h), SMALL, 1)
    return piece


def television(p: Palette, piece: Furniture, half: float, y: float, z: float, tall: float) -> None:
    """Add a flat television of half width ``half`` whose back is at ``y``."""
    tv, black = piece.item("television"), p.plain((0.04, 0.04, 0.045), 0.5)
    tv.box(black, (-half, y, z), (half, y + 0.045, z + tall), 0.008)
    picture = p.picture(pictures.screen(p.rng), p.rng.uniform(0.6, 1.0), 0.4)
    tv.add(mesh.panel((-half + 0.015, y + 0.0455, z + 0.025), (half - 0.015, y + 0.0455, z + tall - 0.015)), picture)


def open_shelves(p: Palette) -> Furniture:
    """A rack of open shelves with boxes, towels and bags: class shelves."""
    rng = p.rng
    w, d, h = rng.uniform(0.7, 1.0), rng.uniform(0.35, 0.42), rng.uniform(1.3, 1.8)
    piece = Furniture((w, d, h + 0.3))
    rack, post = piece.item("shelves"), p.metal()
    board = p.wood()
    for x in (-w / 2 + 0.015, w / 2 - 0.015):
        for y in (0.015, d - 0.015):
            rack.box(post, (x - 0.015, y - 0.015, 0), (x + 0.015, y + 0.015, h), 0.003)
    levels = int(rng.integers(3, 5))
    for z in np.linspace(0.15, h - 0.02, levels + 1):
        rack.box(board, (-w / 2, 0.0, z - 0.02), (w / 2, d, z), 0.004)
        room = (h - 0.17) / levels - 0.04
        makers = [lambda q: props.carton(q, 0.2, 0.34), props.vase, props.books_pile, folded_towels, props.bag]
        props.clutter(p, piece, Surface(-w / 2 + 0.03, 0.02, w / 2 - 0.03, d - 0.01, z, min(room, 0.3)), makers, 4)
    return piece


def folded_towels(p: Palette) -> Furniture:
    """A pile of folded towels."""
    count = int(p.rng.integers(2, 5))
    piece = Furniture((0.32, 0.26, 0.055 * count))
    pile = piece.item("towel")
    for i in range(count):
        pile.box(p.matte(p.accent(0.5, 0.8)), (-0.16, 0, 0.055 * i), (0.16, 0.26, 0.055 * (i + 1)), 0.024)
    return piece
