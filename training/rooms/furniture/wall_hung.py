"""What hangs on or is let into walls: doors, windows, curtains, pictures, mirrors, whiteboards, shelves, clothes."""

from __future__ import annotations

import numpy as np

from training.rooms import mesh, pictures
from training.rooms.furniture import props
from training.rooms.furniture.bathroom import folds
from training.rooms.furniture.item import Furniture, Surface
from training.rooms.furniture.storage import SMALL, garment, television
from training.rooms.materials import Palette
from training.rooms.scene import Light


def door(p: Palette) -> Furniture:
    """A panelled or glazed door in its frame."""
    rng = p.rng
    w, h = rng.uniform(0.8, 0.95), rng.uniform(2.0, 2.08)
    piece = Furniture((w + 0.16, 0.07, h + 0.08))
    leaf = piece.item("door")
    wood = p.shared("door", lambda: p.new_wood() if rng.random() < 0.6 else p.plastic((0.9, 0.9, 0.88)))
    trim = p.shared("trim", lambda: p.plastic((0.92, 0.91, 0.88)))
    for x0, x1 in ((-w / 2 - 0.08, -w / 2), (w / 2, w / 2 + 0.08)):
        leaf.box(trim, (x0, 0, 0), (x1, 0.04, h + 0.08), 0.006)
    leaf.box(trim, (-w / 2, 0, h), (w / 2, 0.04, h + 0.08), 0.006)
    leaf.box(wood, (-w / 2, 0, 0.005), (w / 2, 0.02, h))
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    for r in range(rows):
        for c in range(columns):
            x0, x1 = (-w / 2 + 0.09 + (w - 0.14) * (c + k) / columns for k in (0, 1))
            z0, z1 = (0.16 + (h - 0.24) * (r + k) / rows for k in (0, 1))
            leaf.box(wood, (x0, 0.01, z0), (x1 - 0.04, 0.032, z1 - 0.06), 0.01)
    x, metal = rng.choice([-1, 1]) * (w / 2 - 0.07), p.metal()
    leaf.rod(metal, (x, 0.02, 1.02), (x, 0.065, 1.02), 0.011)
    leaf.rod(metal, (x, 0.06, 1.02), (x - np.sign(x) * 0.12, 0.06, 1.02), 0.01)
    return piece


def window(p: Palette, room_height: float, day: float, sunny: bool) -> Furniture:
    """A window with sill and a view, curtains, blinds or neither; z 0 is the floor.

    ``day`` is the strength of the daylight, 0 at night; through a ``sunny`` one the sun shines in.
    """
    rng = p.rng
    sun = None
    if sunny:
        sun = np.array([rng.uniform(-0.8, 0.8), -1.0, rng.uniform(0.45, 1.1)])
        sun /= np.linalg.norm(sun)
    w, h = rng.uniform(0.9, 1.9), rng.uniform(1.1, 1.4)
    sill = rng.uniform(0.8, 0.95) if rng.random() < 0.8 else 0.12
    h = min(h + (0.9 - sill), room_height - 0.3 - sill)
    dressing = rng.choice(["curtain", "blinds", "none"], p=[0.5, 0.25, 0.25])
    reach = 0.32 if dressing == "curtain" else 0.08
    piece = Furniture((w + 2 * reach, 0.2, sill + h + 0.15))
    frame = piece.item("window")
    white = p.shared("window frame", lambda: p.plastic((0.93, 0.93, 0.91)) if rng.random() < 0.7 else p.new_wood())
    t = 0.06
    view = pictures.outdoors(rng)
    frame.add(mesh.panel((-w / 2, 0.012, sill), (w / 2, 0.012, sill + h)), p.picture(view, 0.25 + 1.5 * day, 0.3))
    for x in (-w / 2, w / 2 - t):
        frame.box(white, (x, 0, sill), (x + t, 0.05, sill + h), 0.006)
    for z in (sill, sill + h - t):
        frame.box(white, (-w / 2 + 0.01, 0, z), (w / 2 - 0.01, 0.05, z + t), 0.006)
    for i in range(1, int(rng.integers(2, 4))):
        x = -w / 2 + i * w / (2 if w < 1.4 else 3)
        frame.box(white, (x - 0.02, 0, sill), (x + 0.02, 0.04, sill + h), 0.004)
    if rng.random() < 0.4:
        frame.box(white, (-w / 2, 0, sill + h * 0.62), (w / 2, 0.035, sill + h * 0.62 + 0.03), 0.004)
    if sill > 0.5:
        deep = 0.08 if dressing == "curtain" else 0.15  # a curtain hangs before the sill
        frame.box(white, (-w / 2 - 0.06, 0, sill - 0.035), (w / 2 + 0.06, deep, sill), 0.008)
        if dressing != "curtain" and rng.random() < 0.35:
            piece.include(props.plant(p, False), at=(rng.uniform(-w / 3, w / 3), -0.0, sill))
    {"curtain": _curtains, "blinds": _blinds}.get(str(dressing), lambda *_: None)(p, piece, w, sill, h)
    if day > 0:
        dim = 0.55 if dressing == "blinds" else 1.0
        color = np.array([0.95, 1.0, 1.08]) * day * w * h * dim * 1.6
        center = np.array([0, 0.22, sill + h / 2])
        opening = (np.array([w / 2, 0, 0]), np.array([0, 0, h / 2]), np.array([0.0, 1.0, 0.0]))
        piece.lights.append(Light(center, *opening, color))
        if sun is not None and dressing != "blinds":
            piece.lights.append(
                Light(np.array([0, 0.06, sill + h / 2]), *opening, np.array([3.2, 2.9, 2.3]) * day, sun)
            )
    return piece


def _curtains(p: Palette, piece: Furniture, w: float, sill: float, h: float) -> None:
    rng, cloth = p.rng, p.shared("curtain", p.fabric)
    top, low = sill + h + 0.1, 0.03 if rng.random() < 0.7 else max(sill - 0.15, 0.03)
    for side in (-1, 1):
        x0, x1 = sorted((side * (w / 2 + 0.3), side * (w / 2 - rng.uniform(0.02, 0.25))))
        piece.item("curtain").add(folds(rng, x0, x1, 0.12, low, top, 0.032), cloth)
    rod = piece.items[-1]
    rod.rod(p.metal(), (-w / 2 - 0.31, 0.12, top + 0.012), (w / 2 + 0.31, 0.12, top + 0.012), 0.014)


def _blinds(p: Palette, piece: Furniture, w: float, sill: float, h: float) -> None:
    rng, slats = p.rng, piece.item("blinds")
    tint = p.plastic((0.92, 0.9, 0.85)) if rng.random() < 0.6 else p.new_wood()
    low = sill + h * rng.uniform(0.0, 0.6)
    slats.box(tint, (-w / 2, 0.055, sill + h - 0.02), (w / 2, 0.11, sill + h + 0.04), 0.006)
    tilt = rng.uniform(0.3, 1.1)
    dy, dz = 0.024 * np.cos(tilt), 0.024 * np.sin(tilt)
    for z in np.arange(sill + h - 0.04, low, -0.045):
        origin = (-w / 2 + 0.01, 0.085 - dy, z - dz)
        slats.add(mesh.rectangle(origin, (w - 0.02, 0, 0), (0, 2 * dy, 2 * dz)), tint)
    for x in (-w / 3, w / 3):
        slats.box(tint, (x - 0.002, 0.083, low), (x + 0.002, 0.087, sill + h))


def picture(p: Palette) -> Furniture:
    """A framed picture; z 0 is its lower edge."""
    rng = p.rng
    w, h = rng.uniform(0.3, 1.0), rng.uniform(0.3, 0.8)
    piece = Furniture((w, 0.04, h))
    thing = piece.item("picture")
    edge = rng.uniform(0.015, 0.045)
    frame = p.wood() if rng.random() < 0.5 else p.metal()
    thing.box(frame, (-w / 2, 0, 0), (w / 2, 0.028, h), 0.006)
    inner = edge
    if rng.random() < 0.4:
        thing.add(
            mesh.panel((-w / 2 + edge, 0.0285, edge), (w / 2 - edge, 0.0285, h - edge)), p.plain((0.93, 0.92, 0.88))
        )
        inner = edge + 0.15 * min(w, h)
    art = p.picture(pictures.painting(rng), 0.0, 0.1)
    thing.add(mesh.panel((-w / 2 + inner, 0.029, inner), (w / 2 - inner, 0.029, h - inner)), art)
    return piece


def wall_mirror(p: Palette) -> Furniture:
    """A mirror to hang or a tall one to lean."""
    rng = p.rng
    w, h = rng.uniform(0.4, 0.7), rng.uniform(0.6, 1.4)
    piece = Furniture((w, 0.04, h))
    glass = piece.item("mirror")
    glass.box(p.wood(), (-w / 2, 0, 0), (w / 2, 0.03, h), 0.008)
    glass.add(mesh.panel((-w / 2 + 0.04, 0.0305, 0.04), (w / 2 - 0.04, 0.0305, h - 0.04)), p.mirror())
    return piece


def whiteboard(p: Palette) -> Furniture:
    """A whiteboard with writing and a pen tray."""
    w, h = p.rng.uniform(1.2, 2.0), p.rng.uniform(0.9, 1.15)
    piece = Furniture((w, 0.09, h))
    board, steel = piece.item("whiteboard"), p.steel()
    board.box(steel, (-w / 2, 0, 0), (w / 2, 0.02, h), 0.004)
    board.add(
        mesh.panel((-w / 2 + 0.02, 0.0205, 0.02), (w / 2 - 0.02, 0.0205, h - 0.02)),
        p.picture(pictures.scribbles(p.rng), 0.0, 0.3),
    )
    board.box(steel, (-w * 0.3, 0.015, 0), (w * 0.3, 0.085, 0.012), 0.003)
    return piece


def wall_shelf(p: Palette) -> Furniture:
    """One or two boards on the wall with things on them."""
    rng = p.rng
    w, d = rng.uniform(0.6, 1.2), rng.uniform(0.2, 0.26)
    levels = int(rng.integers(1, 3))
    piece = Furniture((w, d, 0.36 * levels))
    board, wood = piece.item("shelves"), p.wood()
    for i in range(levels):
        z = 0.36 * i
        board.box(wood, (-w / 2, 0, z), (w / 2, d, z + 0.025), 0.004)
        for x in (-w / 2 + 0.1, w / 2 - 0.12):
            board.box(p.metal(), (x, 0, z - 0.0), (x + 0.02, d * 0.8, z + 0.003))
        if rng.random() < 0.5:
            piece.include(props.book_row(p, w * 0.8, d - 0.03, 0.27), at=(0, 0.01, z + 0.026))
        else:
            props.clutter(p, piece, Surface(-w / 2 + 0.02, 0.01, w / 2 - 0.02, d - 0.01, z + 0.026, 0.31), SMALL, 5)
    return piece


def coat_hooks(p: Palette) -> Furniture:
    """A board of hooks with clothes and a bag; z 0 is the clothes' lower end."""
    rng = p.rng
    count = int(rng.integers(2, 5))
    w, h = 0.32 * count + 0.16, 1.15
    piece = Furniture((w, 0.16, h))
    board = piece.item("otherprop")
    board.box(p.wood(), (-w / 2, 0, h - 0.1), (w / 2, 0.02, h), 0.005)
    for i in range(count):
        x = (i + 0.5 - count / 2) * 0.32
        board.rod(p.metal(), (x, 0.02, h - 0.06), (x, 0.08, h - 0.04), 0.008)
        if rng.random() < 0.8:
            piece.items.append(garment(p, x, 0.085, h - 0.06, rng.uniform(0.6, 1.05), 0.0))
    return piece


def wall_television(p: Palette) -> Furniture:
    """A television on the wall."""
    half = p.rng.uniform(0.45, 0.7)
    piece = Furniture((2 * half, 0.09, half * 1.14))
    television(p, piece, half, 0.03, 0.0, half * 1.14)
    return piece


def radiator(p: Palette) -> Furniture:
    """A ribbed radiator."""
    w = p.rng.uniform(0.6, 1.2)
    piece = Furniture((w, 0.12, 0.65))
    thing, white = piece.item("otherstructure"), p.shared("radiator", lambda: p.plastic((0.92, 0.92, 0.9)))
    thing.box(white, (-w / 2, 0.03, 0.12), (w / 2, 0.06, 0.63))
    for x in np.arange(-w / 2, w / 2 - 0.03, 0.055):
        thing.box(white, (x, 0.04, 0.1), (x + 0.04, 0.11, 0.65), 0.014)
    return piece


def wall_clock(p: Palette) -> Furniture:
    """A round clock."""
    r = p.rng.uniform(0.12, 0.18)
    piece = Furniture((2 * r, 0.05, 2 * r))
    thing = piece.item("otherprop")
    turn = mesh.trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0])
    turn[:3, 3] = (0, 0.0, r)
    for material, profile in (
        (p.plastic(), [(0, 0), (r, 0), (r, 0.04), (r * 0.9, 0.04), (r * 0.88, 0.028), (0, 0.028)]),
        (p.plain((0.95, 0.95, 0.93)), [(r * 0.88, 0.0285), (0, 0.0285)]),
    ):
        thing.add(mesh.lathe(profile).transformed(turn), material)
    black = p.plain((0.05, 0.05, 0.05))
    for angle, length in zip(p.rng.uniform(0, 2 * np.pi, 2), (0.5, 0.75), strict=True):
        end = (r * length * np.sin(angle), 0.031, r + r * length * np.cos(angle))
        thing.rod(black, (0, 0.031, r), end, 0.004)
    return piece
