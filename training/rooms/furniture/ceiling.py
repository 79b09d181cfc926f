"""Lamps that hang from the ceiling; z 0 is the ceiling, everything lies below."""

from __future__ import annotations

import numpy as np

from training.rooms import mesh
from training.rooms.furniture.item import Furniture, bulb
from training.rooms.materials import Palette


def ceiling_lamp(p: Palette, strength: float) -> Furniture:
    """A pendant, a flush dish, a row of spots or a long office light, of ``strength`` (0 is off)."""
    rng, kind = p.rng, p.rng.integers(4)
    piece = Furniture((1.2, 1.2, 0.0))
    lamp, metal = piece.item("lamp"), p.metal()
    warmth = rng.uniform(0.65, 1.0)
    glass = p.glowing((1.0, (1 + warmth) / 2, warmth), 1.3) if strength > 0 else p.plastic((0.9, 0.9, 0.88))
    low = -0.1
    if kind == 0:
        drop, r = rng.uniform(0.45, 0.7), rng.uniform(0.16, 0.26)
        low = -drop
        lamp.rod(metal, (0, 0, 0), (0, 0, -drop + 0.14), 0.006)
        lamp.tube(metal, (0, 0, -0.03), 0.03, 0.05)
        shade = p.plastic(p.accent(0.6, 0.6)) if rng.random() < 0.5 else glass
        lamp.lathe(shade, [(r, 0), (r * 0.8, 0.09), (0.05, 0.16), (0, 0.165)], (0, 0, -drop))
        lamp.add(mesh.ball(0.045).transformed(mesh.placed(at=(0, 0, -drop + 0.05))), glass)
    elif kind == 1:
        r = rng.uniform(0.17, 0.25)
        lamp.lathe(metal, [(r + 0.01, -0.025), (r + 0.01, 0), (0, 0)], (0, 0, 0))
        lamp.lathe(glass, [(0, -0.1), (r * 0.6, -0.085), (r, -0.025)], (0, 0, 0))
    elif kind == 2:
        lamp.box(metal, (-0.55, -0.02, -0.05), (0.55, 0.02, 0), 0.004)
        for x in (-0.42, 0.0, 0.42):
            lamp.lathe(metal, [(0.05, -0.17), (0.035, -0.06), (0, -0.06)], (x, 0, 0))
            lamp.add(mesh.ball(0.035).transformed(mesh.placed(at=(x, 0, -0.15))), glass)
        low = -0.2
    else:
        lamp.box(p.plastic((0.9, 0.9, 0.9)), (-0.6, -0.09, -0.05), (0.6, 0.09, 0), 0.008)
        lamp.box(glass, (-0.59, -0.08, -0.075), (0.59, 0.08, -0.045), 0.01)
    if strength > 0:
        size = 0.45 if kind >= 2 else 0.12
        piece.lights.append(bulb(np.array([0, 0, low - 0.06]), strength, warmth, size))
    return piece
