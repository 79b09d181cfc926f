"""Recipes: what a bedroom, living room, kitchen, office, bathroom or dining room is furnished with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.rooms import mesh, pictures, textures
from training.rooms.furniture import bathroom, beds, ceiling, kitchen, props, seating, storage, tables, wall_hung
from training.rooms.furniture.item import Furniture
from training.rooms.layout import Layout, Plan
from training.rooms.materials import Material, Palette
from training.rooms.scene import Scene

Maker = Callable[[Palette], Furniture]


@dataclass(frozen=True)
class Step:
    """One thing to place, with its chance; ``z`` is the height range of what hangs on a wall."""

    make: Maker
    chance: float = 1.0
    how: str = "wall"
    front: float = 0.4
    z: tuple[float, float] = (0.0, 0.0)


def _hung(make: Maker, chance: float, low: float, high: float) -> Step:
    return Step(make, chance, "wall", 0.0, (low, high))


PICTURES = [_hung(wall_hung.picture, 0.75, 1.2, 1.6)] * 3
ANYWHERE = [
    Step(lambda p: props.plant(p, True), 0.5, "corner", 0.0),
    Step(props.bin_, 0.3, "wall", 0.0),
    _hung(wall_hung.wall_clock, 0.3, 1.7, 2.0),
    Step(wall_hung.radiator, 0.4, "wall", 0.0),
    Step(props.carton, 0.35, "wall", 0.0),
    Step(props.bag, 0.3, "wall", 0.0),
    Step(props.ball_toy, 0.12, "free", 0.05),
]
RECIPES: dict[str, tuple[tuple[float, float], list[Step]]] = {
    "bedroom": (
        (3.3, 4.8),
        [
            Step(beds.bed_group, 1.0, "wall", 0.6),
            Step(storage.wardrobe, 0.8, "wall", 0.6),
            Step(storage.dresser, 0.8),
            Step(tables.desk_group, 0.4, "wall", 0.1),
            Step(lambda p: seating.sofa(p, 1), 0.35, "wall", 0.3),
            Step(storage.bookshelf, 0.45),
            Step(beds.bunk_shelf_bed, 0.12, "wall", 0.4),
            _hung(wall_hung.wall_mirror, 0.5, 0.5, 1.0),
            _hung(wall_hung.coat_hooks, 0.45, 0.7, 0.85),
            _hung(wall_hung.wall_shelf, 0.35, 1.3, 1.5),
            Step(props.floor_lamp, 0.3, "corner", 0.0),
            Step(seating.bench, 0.3, "wall", 0.2),
        ],
    ),
    "living": (
        (3.8, 6.2),
        [
            Step(tables.sofa_group, 1.0, "wall", 0.5),
            Step(storage.tv_stand, 0.85, "wall", 0.6),
            Step(storage.bookshelf, 0.8),
            Step(storage.cabinet, 0.5),
            Step(lambda p: seating.sofa(p, 1), 0.7, "free", 0.3),
            Step(tables.dining_group, 0.4, "free", 0.35),
            Step(storage.bookshelf, 0.4),
            Step(props.floor_lamp, 0.75, "corner", 0.0),
            _hung(wall_hung.wall_shelf, 0.4, 1.4, 1.6),
            Step(seating.bench, 0.3, "free", 0.3),
            _hung(wall_hung.wall_mirror, 0.25, 0.9, 1.1),
        ],
    ),
    "kitchen": (
        (3.2, 5.2),
        [
            Step(kitchen.counter, 1.0, "wall", 0.8),
            Step(kitchen.refrigerator, 1.0, "wall", 0.6),
            Step(tables.dining_group, 0.65, "free", 0.35),
            Step(kitchen.pedestal, 0.3, "free", 0.5),
            Step(kitchen.counter, 0.35, "wall", 0.6),
            Step(storage.open_shelves, 0.45, "wall", 0.3),
            Step(storage.cabinet, 0.45),
            _hung(bathroom.towel_rail, 0.4, 0.6, 0.9),
            _hung(wall_hung.wall_shelf, 0.4, 1.4, 1.6),
            Step(seating.stool, 0.4, "free", 0.2),
        ],
    ),
    "office": (
        (3.2, 5.5),
        [
            Step(tables.desk_group, 1.0, "wall", 0.3),
            Step(tables.desk_group, 0.7, "wall", 0.3),
            _hung(wall_hung.whiteboard, 0.8, 0.9, 1.0),
            Step(storage.bookshelf, 0.85),
            Step(storage.open_shelves, 0.6, "wall", 0.3),
            Step(storage.cabinet, 0.6),
            Step(tables.dining_group, 0.25, "free", 0.35),
            Step(seating.office_chair, 0.3, "free", 0.2),
            _hung(wall_hung.coat_hooks, 0.3, 0.7, 0.85),
            Step(lambda p: seating.sofa(p, 2), 0.3, "wall", 0.3),
            _hung(wall_hung.wall_television, 0.3, 1.1, 1.3),
        ],
    ),
    "bathroom": (
        (2.4, 3.4),
        [
            Step(bathroom.bathtub, 0.9, "corner", 0.5),
            Step(bathroom.toilet, 1.0, "wall", 0.5),
            Step(bathroom.wash_basin, 1.0, "wall", 0.6),
            _hung(bathroom.towel_rail, 0.9, 0.6, 1.0),
            _hung(bathroom.towel_rail, 0.5, 0.6, 1.0),
            Step(storage.open_shelves, 0.4, "wall", 0.2),
            _hung(wall_hung.wall_mirror, 0.25, 0.6, 1.0),
            Step(storage.cabinet, 0.25, "wall", 0.3),
            Step(seating.stool, 0.3, "wall", 0.0),
        ],
    ),
}


def furnish(kind: str, rng: np.random.Generator) -> tuple[Layout, Scene]:
    """Build a furnished room of ``kind``, a key of ``RECIPES``; the scene is frozen, ready for rays."""
    palette, scene = Palette(rng), Scene()
    (small, large), steps = RECIPES[kind]
    plan = _plan(rng, small, large)
    layout = Layout(plan, scene, rng)
    _shell(kind, plan, scene, palette)
    day = float(rng.choice([0.0, 0.7, 1.0, 1.5], p=[0.12, 0.2, 0.4, 0.28]))
    _doors(layout, palette)
    for step in steps:
        if step.chance == 1.0:
            _place(layout, palette, step, tries=6)
    _windows(layout, palette, day, int(rng.integers(1, 4)) if kind != "bathroom" else int(rng.integers(0, 2)))
    hung = [s for s in (*PICTURES, *ANYWHERE) if s.z[1] > 0]
    for step in (*steps, *(s for s in ANYWHERE if s.z[1] == 0), *hung):
        if rng.random() < step.chance < 1.0:
            _place(layout, palette, step, tries=2)
    if rng.random() < 0.6 and kind != "living":  # a sofa has its own
        _loose_rug(layout, palette)
    lamp_on = day < 0.5 or rng.random() < 0.55
    x0, y0, x1, y1 = plan.rectangles()[0]
    strength = rng.uniform(1.3, 2.2) * np.sqrt(plan.width * plan.depth) / 3.5 if lamp_on else 0.0
    lamp = ceiling.ceiling_lamp(palette, strength)
    layout.put(lamp, mesh.placed(rng.integers(2) * np.pi / 2, ((x0 + x1) / 2, (y0 + y1) / 2, plan.height)))
    tint = np.array([1.0, 0.97, 0.92]) if lamp_on else np.array([0.94, 0.98, 1.04])
    scene.ambient = tint * rng.uniform(0.16, 0.3)
    scene.freeze()
    return layout, scene


def _plan(rng: np.random.Generator, small: float, large: float) -> Plan:
    width, depth = rng.uniform(small, large), rng.uniform(small, large)
    height = rng.uniform(2.4, 2.9)
    if min(width, depth) > 3.4 and rng.random() < 0.3:
        return Plan(width, depth, height, (width * rng.uniform(0.5, 0.7), depth * rng.uniform(0.5, 0.7)))
    return Plan(width, depth, height)


def _floor(kind: str, p: Palette) -> Material:
    rng, choice = p.rng, p.rng.random()
    if kind in ("bathroom", "kitchen") and choice < 0.8:
        pale = pictures.hsv(rng.random(), rng.uniform(0, 0.15), rng.uniform(0.55, 0.95))
        dark = pictures.hsv(rng.random(), rng.uniform(0, 0.4), rng.uniform(0.2, 0.9)) if rng.random() < 0.5 else pale
        return Material(textures.tiles(rng, pale, dark), (rng.uniform(1.0, 2.0),) * 2, 0.35, 40)
    if choice < 0.5:
        return Material(textures.planks(rng, p.wood_color(), int(rng.choice([8, 16]))), (1.8, 1.4), 0.2, 30)
    if choice < 0.65:
        return Material(textures.herringbone(rng, p.wood_color()), (1.6, 1.6), 0.2, 30)
    if choice < 0.9:
        return Material(textures.carpet(rng, p.accent(0.25, 0.6)), (0.8, 0.8))
    return Material(textures.marble(rng, (0.75, 0.74, 0.72)), (1.5, 1.5), 0.4, 50)


def _wall(kind: str, p: Palette) -> Material:
    rng, choice = p.rng, p.rng.random()
    color = pictures.hsv(p.hue + rng.normal(0, 0.1), rng.uniform(0.02, 0.35), rng.uniform(0.65, 0.95))
    second = tuple(np.clip(np.array(color) * rng.uniform(0.75, 1.1), 0, 1))
    if kind == "bathroom" and choice < 0.7:
        return Material(
            textures.tiles(rng, color, color if choice < 0.5 else second, 4, int(rng.integers(1, 3))),
            (0.8, 0.8),
            0.4,
            50,
        )
    if choice < 0.6:
        return Material(textures.speckled(rng, color, rng.uniform(0.01, 0.05), 256), (1.2, 1.2))
    if choice < 0.78:
        return Material(textures.stripes(rng, color, second), (rng.uniform(0.5, 1.2),) * 2)
    if choice < 0.9:
        return Material(textures.motif(rng, color, second), (rng.uniform(0.5, 1.0),) * 2)
    return Material(textures.bricks(rng, pictures.hsv(0.03, rng.uniform(0.1, 0.5), rng.uniform(0.5, 0.9))), (0.9, 0.9))


def _shell(kind: str, plan: Plan, scene: Scene, p: Palette) -> None:
    """Floor, ceiling, walls and skirting boards."""
    floor, paint = _floor(kind, p), _wall(kind, p)
    accent = _wall(kind, p) if p.rng.random() < 0.3 else paint
    white = p.plain(pictures.hsv(p.rng.random(), 0.02, p.rng.uniform(0.88, 0.97)))
    trim = p.shared("trim", lambda: p.plastic((0.92, 0.91, 0.88)))
    h = plan.height
    for x0, y0, x1, y1 in plan.rectangles():
        swap = mesh.rectangle((x0, y0, 0), (x1 - x0, 0, 0), (0, y1 - y0, 0))
        offset = np.array([x0, -y0])
        scene.add(mesh.Shape(swap.corners, swap.normals, swap.uv + offset), floor, "floor")
        scene.add(mesh.rectangle((x0, y0, h), (0, y1 - y0, 0), (x1 - x0, 0, 0)), white, "ceiling")
    tall = p.rng.uniform(0.06, 0.12)
    for i, wall in enumerate(plan.walls()):
        a, along = np.append(wall.start, 0), np.append(wall.along, 0) * wall.length
        scene.add(mesh.rectangle(a, along, (0, 0, h)), accent if i == 0 else paint, "wall")
        board = mesh.box((0, -0.05, 0), (wall.length, 0.012, tall))
        scene.add(board.transformed(wall.matrix(0, 0)), trim, "wall")


def _doors(layout: Layout, p: Palette) -> None:
    walls = layout.plan.walls()
    for _ in range(1 + int(p.rng.random() < 0.3)):
        leaf = wall_hung.door(p)
        half = leaf.size[0] / 2
        choice = [w for w in walls if w.length > 2 * half + 0.2]
        wall = choice[p.rng.integers(len(choice))]
        matrix = wall.matrix(p.rng.uniform(half + 0.05, wall.length - half - 0.05), 0)
        if layout.put(leaf, matrix):
            layout.keep_clear((-half, 0.05, 0.02), (half, 0.9, 2.0), matrix)


def _windows(layout: Layout, p: Palette, day: float, windows: int) -> None:
    walls = layout.plan.walls()
    # The sun shines in on one side only.
    sunny = walls[p.rng.integers(len(walls))] if day > 0.9 and p.rng.random() < 0.7 else None
    for i in range(windows):
        wall = sunny if sunny and i == 0 else walls[p.rng.integers(len(walls))]
        layout.against_wall(wall_hung.window(p, layout.plan.height, day, wall is sunny), walls=[wall], tries=12)


def _place(layout: Layout, p: Palette, step: Step, tries: int) -> None:
    for _ in range(tries):
        piece = step.make(p)
        z = float(p.rng.uniform(*step.z))
        if step.how == "free":
            done = layout.free_standing(piece, margin=step.front)
        else:
            done = layout.against_wall(piece, z=z, front=step.front, corner=step.how == "corner")
        if done:
            return


def _loose_rug(layout: Layout, p: Palette) -> None:
    """A rug that may reach under furniture."""
    plan, rng = layout.plan, p.rng
    w, d = min(rng.uniform(0.7, 2.2), plan.width - 0.6), min(rng.uniform(0.6, 1.5), plan.depth - 0.6)
    x, y = rng.uniform(0.3, plan.width - w - 0.29), rng.uniform(0.3, plan.depth - d - 0.29)
    if not plan.contains(np.array([x, y, 0]), np.array([x + w, y + d, 0])):
        return
    instance = layout.scene.new_instance()
    layout.scene.add(mesh.box((x, y, 0), (x + w, y + d, 0.006)), p.matte((0.5, 0.45, 0.4)), "floor mat", instance)
    layout.scene.add(
        mesh.mat((x, y, 0.0065), (x + w, y + d, 0.0065)),
        p.picture(pictures.rug(rng), specular=0),
        "floor mat",
        instance,
    )
