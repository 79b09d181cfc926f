"""The bathroom: toilet, bath, shower curtain, wash basin, towels."""

from __future__ import annotations

import numpy as np

from training.rooms import mesh, textures
from training.rooms.furniture import props
from training.rooms.furniture.item import Furniture
from training.rooms.furniture.kitchen import tap
from training.rooms.furniture.storage import fronts
from training.rooms.materials import Material, Palette


def toilet(p: Palette) -> Furniture:
    """A toilet with cistern, lid up or down."""
    piece = Furniture((0.42, 0.72, 0.86))
    thing, white = piece.item("toilet"), p.ceramic()
    thing.box(white, (-0.2, 0, 0.4), (0.2, 0.19, 0.82), 0.03)
    thing.box(white, (-0.21, 0, 0.8), (0.21, 0.2, 0.85), 0.015)
    thing.lathe(
        white,
        [
            (0, 0),
            (0.14, 0),
            (0.12, 0.06),
            (0.11, 0.2),
            (0.19, 0.34),
            (0.2, 0.39),
            (0.17, 0.4),
            (0.13, 0.36),
            (0.06, 0.2),
            (0, 0.18),
        ],
        (0, 0.46, 0),
        (0.92, 1.25, 1),
    )
    seat = [(0.12, 0.4), (0.2, 0.4), (0.205, 0.41), (0.2, 0.425), (0.125, 0.425), (0.12, 0.4)]
    thing.lathe(white, seat, (0, 0.46, 0), (0.92, 1.22, 1))
    if p.rng.random() < 0.6:
        thing.lathe(white, [(0.2, 0.425), (0.2, 0.44), (0.15, 0.45), (0, 0.45)], (0, 0.46, 0), (0.92, 1.22, 1))
    else:
        lid = mesh.lathe([(0, 0), (0.19, 0), (0.2, 0.01), (0.19, 0.025), (0, 0.025)]).transformed(
            mesh.placed(scale=(0.92, 1.15, 1))
        )
        turn = mesh.trimesh.transformations.rotation_matrix(1.45, [1, 0, 0])
        turn[:3, 3] = (0, 0.245, 0.65)
        thing.add(lid.transformed(turn), white)
    thing.box(p.steel(), (-0.03, 0.08, 0.85), (0.03, 0.12, 0.858), 0.003)
    return piece


def bathtub(p: Palette) -> Furniture:
    """A bath, perhaps with a shower curtain drawn half across."""
    rng = p.rng
    w, d, h = rng.uniform(1.55, 1.75), rng.uniform(0.72, 0.8), rng.uniform(0.52, 0.6)
    curtain = rng.random() < 0.65
    piece = Furniture((w, d + 0.08 * curtain, 2.1 if curtain else h + 0.3))
    tub, white = piece.item("bathtub"), p.ceramic()
    rim, floor = 0.075, 0.14
    tub.box(white, (-w / 2, 0, 0), (w / 2, d, floor))
    for lo, hi in (
        ((-w / 2, 0), (w / 2, rim)),
        ((-w / 2, d - rim), (w / 2, d)),
        ((-w / 2, 0.02), (-w / 2 + rim * 1.6, d - 0.02)),
        ((w / 2 - rim * 1.6, 0.02), (w / 2, d - 0.02)),
    ):
        tub.box(white, (*lo, 0.02), (*hi, h), 0.03)
    if rng.random() < 0.5:
        water = p.plain((0.45, 0.66, 0.7), 0.8, 80)
        tub.add(mesh.mat((-w / 2 + 0.1, 0.06, h * 0.6), (w / 2 - 0.1, d - 0.06, h * 0.6)), water)
    tap(tub, p, w / 2 - 0.3, 0.04, h)
    if curtain:
        drape = piece.item("shower curtain")
        steel = p.steel()
        drape.rod(steel, (-w / 2 + 0.01, d + 0.04, 2.03), (w / 2 - 0.01, d + 0.04, 2.03), 0.013)
        side, share = rng.choice([-1, 1]), rng.uniform(0.3, 0.6)
        x0, x1 = sorted((side * (w / 2 - 0.02), side * (w / 2 - 0.02 - share * w)))
        drape.add(folds(rng, x0, x1, d + 0.04, 0.2, 2.02, 0.03), _curtain_cloth(p))
    return piece


def _curtain_cloth(p: Palette) -> Material:
    if p.rng.random() < 0.5:
        return Material(textures.motif(p.rng, (0.92, 0.93, 0.94), p.any_color()), (0.4, 0.4))
    return Material(textures.stripes(p.rng, p.accent(0.3, 0.9), (0.95, 0.95, 0.95)), (0.6, 0.6))


def folds(rng: np.random.Generator, x0: float, x1: float, y: float, z0: float, z1: float, depth: float) -> mesh.Shape:
    """Hanging cloth between x and z bounds whose folds are ``depth`` deep about plane ``y``."""
    columns = max(16, int((x1 - x0) / 0.025))
    x = np.linspace(x0, x1, columns)
    phase = 2 * np.pi * (x - x0) / rng.uniform(0.1, 0.16) + 0.8 * np.sin((x - x0) * rng.uniform(3, 7))
    z = np.linspace(z1, z0, 8)
    widen = np.linspace(0.6, 1.0, 8)[:, None]
    wave = y + depth * widen * np.sin(phase)[None]
    return mesh.sheet(np.stack([np.broadcast_to(x, wave.shape), wave, np.broadcast_to(z[:, None], wave.shape)], -1))


def wash_basin(p: Palette) -> Furniture:
    """A basin on a cabinet with a mirror above and small things beside the tap."""
    rng = p.rng
    w, d, h = rng.uniform(0.6, 1.1), 0.48, 0.84
    piece = Furniture((w, d + 0.03, 1.95))
    body = piece.item("cabinet")
    front = p.wood() if rng.random() < 0.5 else p.plastic(p.accent(0.2, 0.9))
    body.box(front, (-w / 2 + 0.01, 0, 0.12), (w / 2 - 0.01, d - 0.04, h - 0.14), 0.004)
    fronts(body, p, front, (-w / 2 + 0.015, d - 0.04, 0.14), (w / 2 - 0.015, 0, h - 0.05), (1, 2), "door")
    basin, white = piece.item("sink"), p.ceramic()
    basin.box(white, (-w / 2, 0, h - 0.1), (w / 2, d, h - 0.02), 0.012)
    bowl = [(0, 0.0), (0.1, 0.0), (0.19, 0.03), (0.22, 0.12), (0.205, 0.12), (0.17, 0.05), (0.09, 0.02), (0, 0.02)]
    basin.lathe(white, bowl, (0, 0.26, h - 0.02), (1, 0.85, 1))
    tap(basin, p, 0, 0.04, h - 0.02)
    glass, half = piece.item("mirror"), rng.uniform(0.25, w / 2)
    glass.box(p.metal(), (-half, 0, 1.12), (half, 0.02, 1.85), 0.005)
    glass.add(mesh.panel((-half + 0.015, 0.0205, 1.135), (half - 0.015, 0.0205, 1.835)), p.mirror())
    if w > 0.85:
        at = (rng.choice([-1, 1]) * (w / 2 - 0.09), 0.14, h - 0.02)
        piece.include(props.mug(p) if rng.random() < 0.5 else props.vase(p), at=at)
    return piece


def towel_rail(p: Palette) -> Furniture:
    """A rail on the wall with a towel or two over it; z 0 is the lower end of the towels."""
    rng = p.rng
    w, drop = rng.uniform(0.5, 0.8), rng.uniform(0.5, 0.75)
    piece = Furniture((w, 0.13, drop + 0.03))
    rail, steel = piece.item("otherprop"), p.steel()
    rail.rod(steel, (-w / 2, 0.07, drop), (w / 2, 0.07, drop), 0.01)
    for x in (-w / 2 + 0.01, w / 2 - 0.01):
        rail.rod(steel, (x, 0, drop), (x, 0.07, drop), 0.01)
    x = -w / 2 + 0.04
    for _ in range(int(rng.integers(1, 3))):
        width = min(rng.uniform(0.25, 0.42), w / 2 - 0.04 - x)
        if width < 0.15:
            break
        cloth = Material(textures.stripes(rng, p.accent(0.5, 0.85), p.accent(0.2, 0.95), 2), (0.3, 0.6))
        towel = piece.item("towel")
        towel.add(folds(rng, x, x + width, 0.092, rng.uniform(0, 0.12), drop + 0.012, 0.006), cloth)
        towel.add(folds(rng, x, x + width, 0.048, rng.uniform(0.1, 0.25), drop + 0.012, 0.004), cloth)
        towel.box(cloth, (x, 0.05, drop + 0.004), (x + width, 0.09, drop + 0.02), 0.008)
        x += width + 0.04
    return piece
