"""Chairs and sofas; they face +y."""

from __future__ import annotations

import numpy as np

from training.rooms import mesh
from training.rooms.furniture.item import Furniture
from training.rooms.materials import Material, Palette


def chair(p: Palette, style: int | None = None, wood: Material | None = None) -> Furniture:
    """A dining chair: slatted, upholstered or a plastic shell."""
    rng = p.rng
    style = int(rng.integers(3)) if style is None else style
    w, d, seat, back = 0.44, 0.5, rng.uniform(0.44, 0.47), rng.uniform(0.82, 1.0)
    piece = Furniture((w, d, back))
    thing, wood = piece.item("chair"), wood or p.wood()
    if style == 2:
        return _shell_chair(p, piece, seat)
    leg = 0.018
    for x in (-w / 2 + 0.025, w / 2 - 0.025):
        thing.box(wood, (x - leg, 0.02, 0), (x + leg, 0.02 + 2 * leg, back), 0.006)
        thing.box(wood, (x - leg, d - 0.05, 0), (x + leg, d - 0.05 + 2 * leg, seat), 0.006)
        thing.box(wood, (x - 0.01, 0.04, 0.2), (x + 0.01, d - 0.04, 0.225))
    cloth = p.shared("chair cloth", p.fabric)
    thing.box(wood, (-w / 2 + 0.01, 0.03, seat - 0.06), (w / 2 - 0.01, d - 0.02, seat - 0.015), 0.005)
    thing.box(
        cloth if style else wood,
        (-w / 2, 0.02, seat - 0.02),
        (w / 2, d, seat + 0.025 * style),
        0.02 if style else 0.008,
    )
    if style:
        thing.box(cloth, (-w / 2 + 0.01, 0.005, seat + 0.12), (w / 2 - 0.01, 0.06, back), 0.02)
    else:
        for z in np.linspace(seat + 0.16, back - 0.04, 3):
            thing.box(wood, (-w / 2 + 0.03, 0.025, z - 0.03), (w / 2 - 0.03, 0.045, z + 0.03), 0.006)
    return piece


def _shell_chair(p: Palette, piece: Furniture, seat: float) -> Furniture:
    """A bent plastic shell on splayed legs."""
    thing, skin, leg = piece.items[0], p.shared("shell", p.plastic), p.wood()
    angle = np.linspace(0, 1, 14)
    y = np.interp(angle, [0, 0.45, 0.6, 1], [0.47, 0.14, 0.06, 0.02])
    z = np.interp(angle, [0, 0.1, 0.45, 0.6, 1], [seat - 0.02, seat, seat - 0.02, seat + 0.07, piece.size[2] - 0.02])
    x = np.linspace(-1, 1, 9)
    half = np.interp(angle, [0, 0.5, 1], [0.2, 0.22, 0.17])
    grid = np.stack(
        [
            x[None] * half[:, None],
            y[:, None] + 0.05 * x[None] ** 2 * (angle[:, None] > 0.5),
            z[:, None] + 0.03 * x[None] ** 2,
        ],
        -1,
    )
    thing.add(mesh.sheet(grid), skin)
    thing.add(mesh.sheet(grid - np.array([0, -0.004, 0.01])), skin)
    for sx in (-1, 1):
        thing.rod(leg, (sx * 0.19, 0.06, 0), (sx * 0.12, 0.16, seat - 0.03), 0.014)
        thing.rod(leg, (sx * 0.19, 0.46, 0), (sx * 0.12, 0.36, seat - 0.03), 0.014)
    return piece


def office_chair(p: Palette) -> Furniture:
    """A swivel chair on castors."""
    piece = Furniture((0.62, 0.62, 1.02))
    thing, black, cloth = piece.item("chair"), p.plain((0.09, 0.09, 0.1), 0.2), p.shared("office cloth", p.fabric)
    for i in range(5):
        a = i * 2 * np.pi / 5 + 0.3
        end = (0.27 * np.cos(a), 0.31 + 0.27 * np.sin(a), 0.06)
        thing.rod(black, (0, 0.31, 0.1), end, 0.018)
        thing.add(mesh.ball(0.03).transformed(mesh.placed(at=(end[0], end[1], 0.031))), black)
    thing.tube(black, (0, 0.31, 0.08), 0.36, 0.025)
    thing.box(cloth, (-0.25, 0.1, 0.43), (0.25, 0.58, 0.52), 0.04)
    thing.box(cloth, (-0.22, 0.05, 0.58), (0.22, 0.12, 1.02), 0.03)
    thing.box(black, (-0.03, 0.06, 0.42), (0.03, 0.09, 0.62))
    for x in (-0.27, 0.27):
        thing.box(black, (x - 0.02, 0.2, 0.66), (x + 0.02, 0.46, 0.69), 0.01)
        thing.box(black, (x - 0.012, 0.3, 0.46), (x + 0.012, 0.34, 0.67))
    return piece


def stool(p: Palette) -> Furniture:
    """A round stool."""
    h = p.rng.uniform(0.45, 0.68)
    piece = Furniture((0.38, 0.38, h))
    thing, wood = piece.item("chair"), p.wood()
    thing.lathe(wood, [(0, h - 0.035), (0.16, h - 0.035), (0.17, h - 0.02), (0.165, h), (0, h)], (0, 0.19, 0))
    for i in range(4):
        a = np.pi / 4 + i * np.pi / 2
        thing.rod(
            wood,
            (0.18 * np.cos(a), 0.19 + 0.18 * np.sin(a), 0),
            (0.11 * np.cos(a), 0.19 + 0.11 * np.sin(a), h - 0.03),
            0.015,
        )
    return piece


def sofa(p: Palette, seats: int | None = None) -> Furniture:
    """A sofa of one (an armchair) to three seats with cushions."""
    rng = p.rng
    seats = int(rng.integers(2, 4)) if seats is None else seats
    arm, d, seat, back = (
        rng.uniform(0.14, 0.22),
        rng.uniform(0.82, 0.95),
        rng.uniform(0.4, 0.46),
        rng.uniform(0.74, 0.88),
    )
    inner = seats * rng.uniform(0.58, 0.68)
    w = inner + 2 * arm
    piece = Furniture((w, d, back))
    thing = piece.item("sofa" if seats > 1 else "chair")
    cloth = p.shared("sofa cloth", p.leather if rng.random() < 0.35 else p.fabric)
    soft = 0.05
    feet = p.wood()
    for x in (-w / 2 + 0.07, w / 2 - 0.07):
        for y in (0.07, d - 0.1):
            thing.tube(feet, (x, y, 0), 0.1, 0.025)
    thing.box(cloth, (-w / 2 + 0.03, 0.03, 0.09), (w / 2 - 0.03, d - 0.04, seat - 0.12), 0.02)
    thing.box(cloth, (-w / 2 + arm * 0.5, 0.0, 0.1), (w / 2 - arm * 0.5, 0.22, back), soft)
    height = seat + rng.uniform(0.12, 0.22)
    for side in (-1, 1):
        x0, x1 = sorted((side * w / 2, side * (w / 2 - arm)))
        thing.box(cloth, (x0, 0.0, 0.09), (x1, d - 0.02, height), soft)
    step = inner / seats
    for i in range(seats):
        x = -inner / 2 + i * step
        thing.box(cloth, (x + 0.006, 0.2, seat - 0.15), (x + step - 0.006, d, seat), 0.045)
        thing.box(cloth, (x + 0.012, 0.18, seat - 0.02), (x + step - 0.012, 0.36, back - 0.04), 0.06)
    for _ in range(int(rng.integers(0, 3)) if seats > 1 else int(rng.random() < 0.3)):
        x = rng.choice([-1, 1]) * (inner / 2 - 0.22 - 0.02 * rng.random()) if seats > 1 else 0.0
        if any(abs(x - other) < 0.3 for other in piece_xs(piece)):
            continue
        tilt = mesh.trimesh.transformations.rotation_matrix(rng.uniform(1.1, 1.3), [1, 0, 0])
        tilt[:3, 3] = (x, 0.43, seat + 0.19)
        piece.item("pillow").add(mesh.cushion((0.4, 0.4, 0.13)).transformed(tilt), p.fabric())
    return piece


def piece_xs(piece: Furniture) -> list[float]:
    """Where along x the pillows of ``piece`` lie."""
    return [float(item.parts[0][0].bounds.mean(0)[0]) for item in piece.items if item.class_name == "pillow"]


def bench(p: Palette) -> Furniture:
    """An upholstered ottoman."""
    w = p.rng.uniform(0.5, 1.1)
    piece = Furniture((w, 0.42, 0.44))
    thing, wood = piece.item("otherfurniture"), p.wood()
    thing.box(p.fabric(), (-w / 2, 0, 0.2), (w / 2, 0.42, 0.44), 0.05)
    for x in (-w / 2 + 0.06, w / 2 - 0.06):
        for y in (0.06, 0.36):
            thing.tube(wood, (x, y, 0), 0.22, 0.022)
    return piece
