"""Small things that stand on surfaces or lie about."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from training.rooms import mesh, pictures, textures
from training.rooms.furniture.item import Furniture, Surface, bulb
from training.rooms.materials import Material, Palette

Maker = Callable[[Palette], Furniture]


def books_pile(p: Palette) -> Furniture:
    """A few books lying on each other, one object."""
    rng, count = p.rng, int(p.rng.integers(1, 6))
    width, depth, z = rng.uniform(0.2, 0.28), rng.uniform(0.15, 0.2), 0.0
    piece = Furniture((width + 0.05, depth + 0.05, 0.05 * count))
    pile = piece.item("books")
    for _ in range(count):
        thick = rng.uniform(0.02, 0.045)
        shape = mesh.merged(_book(width, depth, thick))
        turn = mesh.placed(rng.normal(0, 0.06), (0, depth / 2 + 0.025, z))
        cover, paper = p.matte(p.any_color()), p.shared("pages", lambda: p.plain((0.9, 0.87, 0.78)))
        pile.add(shape.transformed(turn), cover)
        pile.add(
            mesh.box(
                (-width / 2 + 0.01, -depth / 2 + 0.004, 0.004), (width / 2 - 0.004, depth / 2 - 0.004, thick - 0.004)
            ).transformed(turn),
            paper,
        )
        z += thick
    piece.size = (width + 0.05, depth + 0.05, z)
    return piece


def _book(width: float, depth: float, thick: float) -> list[mesh.Shape]:
    x, y = width / 2, depth / 2
    return [
        mesh.box((-x, -y, 0), (x, y, 0.004)),
        mesh.box((-x, -y, thick - 0.004), (x, y, thick)),
        mesh.box((-x, -y, 0.004), (-x + 0.008, y, thick - 0.004)),
    ]


def book_row(p: Palette, width: float, depth: float, height: float) -> Furniture:
    """A row of standing books of about ``width``, one object."""
    rng, x = p.rng, -width / 2
    piece = Furniture((width, depth, height))
    row = piece.item("books")
    covers = [p.shared(f"cover{i}", lambda: p.matte(p.any_color())) for i in range(10)]
    end = width / 2 if rng.random() < 0.6 else rng.uniform(0, width / 2)
    while x < end - 0.05:
        thick, tall = rng.uniform(0.018, 0.05), height * rng.uniform(0.68, 0.95)
        deep = depth * rng.uniform(0.75, 0.95)
        cover = covers[rng.integers(len(covers))]
        row.box(cover, (x, 0.01, 0), (x + thick - 0.0015, deep, tall), 0.003)
        if rng.random() < 0.4:
            band = p.shared("band", lambda: p.plain((0.85, 0.78, 0.5), 0.3))
            row.box(band, (x + 0.002, deep - 0.001, tall * 0.7), (x + thick - 0.004, deep + 0.001, tall * 0.78))
        x += thick
    return piece


def table_lamp(p: Palette, lit: bool = True) -> Furniture:
    """A shaded lamp."""
    rng = p.rng
    height, radius = rng.uniform(0.38, 0.55), rng.uniform(0.11, 0.16)
    piece = Furniture((2 * radius, 2 * radius, height))
    lamp = piece.item("lamp")
    foot = p.plastic(p.accent()) if rng.random() < 0.6 else p.metal()
    belly = rng.uniform(0.03, 0.08)
    profile = [
        (0, 0),
        (0.07, 0),
        (0.07, 0.015),
        (belly * 0.5, 0.04),
        (belly, height * 0.3),
        (0.015, height * 0.52),
        (0.01, height * 0.7),
    ]
    lamp.lathe(foot, profile, (0, radius, 0))
    _shade(p, lamp, (0, radius, height * 0.55), height * 0.45, radius, lit)
    if lit:
        piece.lights.append(bulb((0, radius, height + 0.02), rng.uniform(0.12, 0.3), 0.6))
    return piece


def floor_lamp(p: Palette) -> Furniture:
    """A standing lamp."""
    height, radius = p.rng.uniform(1.45, 1.75), p.rng.uniform(0.17, 0.23)
    piece = Furniture((2 * radius, 2 * radius, height))
    lamp, metal = piece.item("lamp"), p.metal()
    lamp.lathe(
        metal,
        [(0, 0), (0.15, 0), (0.15, 0.02), (0.012, 0.04), (0.012, height - 0.2), (0, height - 0.2)],
        (0, radius, 0),
    )
    lit = p.rng.random() < 0.8
    _shade(p, lamp, (0, radius, height - 0.32), 0.32, radius, lit)
    if lit:
        piece.lights.append(bulb((0, radius, height + 0.05), p.rng.uniform(0.4, 0.8), 0.65))
    return piece


def _shade(p: Palette, lamp, at, height: float, radius: float, lit: bool) -> None:
    color = pictures.hsv(p.rng.uniform(0.08, 0.14), p.rng.uniform(0.05, 0.4), 0.95)
    cloth = p.glowing(color, p.rng.uniform(0.7, 1.1)) if lit else p.matte(color)
    lamp.lathe(cloth, [(radius, 0), (radius * p.rng.uniform(0.55, 0.95), height)], at)


def plant(p: Palette, tall: bool) -> Furniture:
    """A pot with leaves."""
    rng = p.rng
    pot, height = (
        (rng.uniform(0.13, 0.19), rng.uniform(0.9, 1.5)) if tall else (rng.uniform(0.05, 0.08), rng.uniform(0.2, 0.35))
    )
    reach = pot * 1.8
    piece = Furniture((2 * reach, 2 * reach, height))
    thing = piece.item("otherprop")
    clay = p.plastic(p.accent(0.4, 0.6)) if rng.random() < 0.5 else p.matte((0.66, 0.36, 0.24))
    rim = 1.6 * pot
    thing.lathe(
        clay,
        [(0, 0), (pot * 0.7, 0), (pot, rim), (pot * 0.9, rim), (pot * 0.85, rim * 0.9), (0, rim * 0.9)],
        (0, reach, 0),
    )
    green = Material(
        textures.wood(rng, pictures.hsv(rng.uniform(0.24, 0.38), 0.6, rng.uniform(0.3, 0.55)), 64), (0.2, 0.1), 0.15
    )
    for _ in range(40 if tall else 20):
        thing.add(_leaf(rng, reach, rim * 0.8, height, width=pot * 0.25), green)
    return piece


def _leaf(rng: np.random.Generator, reach: float, z0: float, z1: float, width: float) -> mesh.Shape:
    angle, out = rng.uniform(0, 2 * np.pi), reach * rng.uniform(0.35, 0.97)
    top = z0 + (z1 - z0) * rng.uniform(0.3, 0.98)
    t = np.linspace(0, 1, 6)
    along = out * t**1.6
    height = z0 + (top - z0) * (t * 1.9 - 0.9 * t**3) / 1.0001
    height = np.minimum(height, z1)
    across = width * np.sin(np.pi * np.clip(t * 0.9 + 0.08, 0, 1)) * np.array([[-1], [0], [1]])
    along = np.minimum(along, reach - width)
    x = along * np.cos(angle) - across * np.sin(angle)
    y = reach + along * np.sin(angle) + across * np.cos(angle)
    return mesh.sheet(np.stack([x, y, np.broadcast_to(height, x.shape)], -1))


def vase(p: Palette) -> Furniture:
    """A turned vase, bottle or bowl."""
    rng = p.rng
    height, radius = rng.uniform(0.1, 0.32), rng.uniform(0.04, 0.08)
    piece = Furniture((2 * radius, 2 * radius, height))
    z = np.linspace(0, height, 7)
    r = radius * np.clip(
        np.interp(
            z / height, np.linspace(0, 1, 4), [rng.uniform(0.4, 0.7), 1, rng.uniform(0.25, 0.9), rng.uniform(0.3, 0.7)]
        ),
        0.2,
        1,
    )
    glaze = p.plastic(p.accent(0.6, 0.7))
    piece.item("otherprop").lathe(
        glaze, [(0, 0), *zip(r, z, strict=True), (r[-1] * 0.8, height), (r[-1] * 0.7, height * 0.7)], (0, radius, 0)
    )
    return piece


def mug(p: Palette) -> Furniture:
    """A mug."""
    piece = Furniture((0.12, 0.08, 0.095))
    clay = p.plastic()
    cup = piece.item("otherprop").lathe(
        clay, [(0, 0), (0.036, 0), (0.04, 0.095), (0.036, 0.095), (0.034, 0.02), (0, 0.02)], (0, 0.04, 0)
    )
    cup.rod(clay, (0.036, 0.04, 0.02), (0.056, 0.04, 0.04), 0.006)
    cup.rod(clay, (0.056, 0.04, 0.04), (0.056, 0.04, 0.06), 0.006)
    cup.rod(clay, (0.056, 0.04, 0.06), (0.038, 0.04, 0.08), 0.006)
    return piece


def fruit_bowl(p: Palette) -> Furniture:
    """A bowl of fruit."""
    rng = p.rng
    piece = Furniture((0.28, 0.28, 0.15))
    bowl = piece.item("otherprop")
    bowl.lathe(
        p.plastic(p.accent(0.3, 0.8)),
        [(0, 0), (0.05, 0), (0.06, 0.01), (0.12, 0.06), (0.14, 0.09), (0.13, 0.09), (0.1, 0.04), (0, 0.02)],
        (0, 0.14, 0),
    )
    for i in range(6):
        skin = p.plastic(pictures.hsv(rng.choice([0.0, 0.08, 0.15, 0.28]), 0.8, rng.uniform(0.6, 0.9)))
        angle = i * 1.1
        at = (0.06 * np.cos(angle), 0.14 + 0.06 * np.sin(angle), 0.075)
        bowl.add(mesh.ball(0.038).transformed(mesh.placed(at=at)), skin)
    return piece


def papers(p: Palette) -> Furniture:
    """Printed sheets lying about."""
    piece = Furniture((0.32, 0.38, 0.006))
    sheets = piece.item("paper")
    for i in range(int(p.rng.integers(1, 4))):
        sheet = mesh.mat((-0.105, -0.148, 0), (0.105, 0.148, 0))
        turn = mesh.placed(
            p.rng.normal(0, 0.15), (p.rng.normal(0, 0.015), 0.19 + p.rng.normal(0, 0.01), 0.002 * (i + 1))
        )
        sheets.add(sheet.transformed(turn), p.picture(pictures.page(p.rng)))
    return piece


def carton(p: Palette, low: float = 0.2, high: float = 0.5) -> Furniture:
    """A cardboard or coloured storage box with tape or lid."""
    rng = p.rng
    w, d, h = rng.uniform(low, high), rng.uniform(low * 0.8, high * 0.8), rng.uniform(low * 0.7, high * 0.8)
    piece = Furniture((w, d, h))
    thing = piece.item("box")
    card = rng.random() < 0.6
    side = p.matte((0.68, 0.52, 0.34)) if card else p.matte(p.any_color())
    if card:
        thing.box(side, (-w / 2, 0, 0), (w / 2, d, h - 0.002), 0.004)
        tape = p.plain((0.8, 0.72, 0.5), 0.3)
        thing.box(tape, (-0.03, 0.001, h - 0.08), (0.03, d - 0.001, h), 0.002)
        thing.box(p.picture(pictures.page(rng)), (w * 0.1, d - 0.01, h * 0.3), (w * 0.35, d, h * 0.6))
    else:
        thing.box(side, (-w / 2 + 0.01, 0.01, 0), (w / 2 - 0.01, d - 0.01, h * 0.85), 0.006)
        thing.box(p.matte(p.any_color()), (-w / 2, 0, h * 0.8), (w / 2, d, h), 0.008)
    return piece


def bag(p: Palette) -> Furniture:
    """A handbag, shopping bag or backpack."""
    rng, kind = p.rng, p.rng.integers(2)
    w, d, h = rng.uniform(0.28, 0.42), rng.uniform(0.14, 0.2), rng.uniform(0.28, 0.42)
    piece = Furniture((w, d, h + 0.16))
    thing, cloth = piece.item("bag"), (p.leather() if rng.random() < 0.5 else p.plastic())
    strap = p.plastic(pictures.hsv(rng.random(), 0.3, 0.25))
    if kind == 0:
        thing.box(cloth, (-w / 2, 0, 0), (w / 2, d, h), 0.05)
        for y in (d * 0.3, d * 0.7):
            arc = [(w * 0.25 * np.cos(a), y, h - 0.01 + 0.15 * np.sin(a)) for a in np.linspace(0, np.pi, 7)]
            for a, b in pairwise(arc):
                thing.rod(strap, a, b, 0.008)
    else:
        thing.box(cloth, (-w / 2, 0, 0), (w / 2, d * 0.75, h), 0.07)
        thing.box(cloth, (-w * 0.36, d * 0.6, 0.03), (w * 0.36, d, h * 0.5), 0.04)
        thing.box(strap, (-w * 0.4, d * 0.73, h * 0.62), (w * 0.4, d * 0.77, h * 0.645), 0.004)
        thing.box(strap, (-0.03, d * 0.2, h - 0.01), (0.03, d * 0.3, h + 0.04), 0.01)
    return piece


def laptop(p: Palette) -> Furniture:
    """An open laptop whose screen faces +y."""
    piece = Furniture((0.34, 0.32, 0.24))
    thing, shell = piece.item("otherprop"), p.plain((0.55, 0.56, 0.58), 0.4)
    thing.box(shell, (-0.17, 0.08, 0), (0.17, 0.31, 0.018), 0.006)
    thing.add(mesh.mat((-0.15, 0.1, 0.019), (0.15, 0.22, 0.019)), p.plain((0.08, 0.08, 0.09)))
    thing.box(shell, (-0.17, 0.06, 0.01), (0.17, 0.075, 0.24), 0.006)
    thing.add(mesh.panel((-0.16, 0.0765, 0.03), (0.16, 0.0765, 0.23)), p.picture(pictures.screen(p.rng), 0.8))
    return piece


def monitor(p: Palette) -> Furniture:
    """A computer screen with keyboard."""
    w = p.rng.uniform(0.5, 0.64)
    piece = Furniture((w, 0.42, 0.48))
    thing, black = piece.item("otherprop"), p.plain((0.07, 0.07, 0.08), 0.3)
    thing.box(black, (-0.11, 0.02, 0), (0.11, 0.18, 0.015), 0.005)
    thing.box(black, (-0.025, 0.06, 0.01), (0.025, 0.085, 0.25), 0.005)
    thing.box(black, (-w / 2, 0.085, 0.12), (w / 2, 0.11, 0.48), 0.006)
    thing.add(
        mesh.panel((-w / 2 + 0.012, 0.111, 0.135), (w / 2 - 0.012, 0.111, 0.468)),
        p.picture(pictures.screen(p.rng), 0.9),
    )
    keys = piece.item("otherprop")
    keys.box(p.plain((0.15, 0.15, 0.16)), (-0.21, 0.27, 0), (0.21, 0.4, 0.022), 0.006)
    for row in range(4):
        keys.box(p.plain((0.3, 0.3, 0.32)), (-0.2, 0.28 + 0.028 * row, 0.015), (0.2, 0.302 + 0.028 * row, 0.026), 0.002)
    return piece


def photo_frame(p: Palette) -> Furniture:
    """A small standing photograph."""
    w, h = p.rng.uniform(0.13, 0.2), p.rng.uniform(0.16, 0.24)
    piece = Furniture((w, 0.08, h))
    thing = piece.item("picture")
    thing.box(p.wood(), (-w / 2, 0.03, 0), (w / 2, 0.05, h), 0.004)
    thing.add(
        mesh.panel((-w / 2 + 0.02, 0.0505, 0.02), (w / 2 - 0.02, 0.0505, h - 0.02)), p.picture(pictures.painting(p.rng))
    )
    return piece


def bin_(p: Palette) -> Furniture:
    """A waste bin."""
    r, h = p.rng.uniform(0.12, 0.16), p.rng.uniform(0.26, 0.36)
    piece = Furniture((2 * r, 2 * r, h))
    skin = p.plastic() if p.rng.random() < 0.6 else p.steel()
    piece.item("otherprop").lathe(
        skin, [(0, 0), (r * 0.75, 0), (r, h), (r * 0.95, h), (r * 0.72, 0.02), (0, 0.02)], (0, r, 0)
    )
    return piece


def ball_toy(p: Palette) -> Furniture:
    """A ball."""
    r = p.rng.uniform(0.08, 0.13)
    piece = Furniture((2 * r, 2 * r, 2 * r))
    skin = Material(textures.stripes(p.rng, p.any_color(), p.any_color(), 3), (2.4 * r, 2.4 * r), 0.2)
    piece.item("otherprop").add(mesh.ball(r).transformed(mesh.placed(at=(0, r, r))), skin)
    return piece


def clutter(p: Palette, piece: Furniture, surface: Surface, makers: list[Maker], count: int) -> None:
    """Stand up to ``count`` props of ``makers`` side by side, in line along x, on a surface of ``piece``."""
    x = surface.x0 + p.rng.uniform(0, 0.1)
    for _ in range(count):
        prop = makers[p.rng.integers(len(makers))](p)
        w, d, h = prop.size
        if x + w > surface.x1 or d > surface.y1 - surface.y0 or h > surface.clearance:
            continue
        piece.include(prop, at=(x + w / 2, p.rng.uniform(surface.y0, surface.y1 - d), surface.z))
        x += w + p.rng.uniform(0.02, 0.25)
