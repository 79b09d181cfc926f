"""What furniture is made of: parts of one object, objects of one piece, surfaces to put things on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.rooms import mesh
from training.rooms.materials import Material
from training.rooms.mesh import Point, Shape
from training.rooms.scene import Light


class Item:
    """One object of one class, a list of shapes with their materials."""

    def __init__(self, class_name: str) -> None:
        self.class_name = class_name
        self.parts: list[tuple[Shape, Material]] = []

    def add(self, shape: Shape, material: Material) -> Item:
        """Add any shape; this and the other methods return the item."""
        self.parts.append((shape, material))
        return self

    def box(self, material: Material, lo: Point, hi: Point, radius: float = 0.0) -> Item:
        """Add a box with rounded edges."""
        return self.add(mesh.box(lo, hi, radius), material)

    def tube(
        self,
        material: Material,
        base: Point,
        height: float,
        radius: float,
        top: float | None = None,
        sections: int = 16,
    ) -> Item:
        """Add an upright cylinder or cone standing on ``base``."""
        upper = radius if top is None else top
        shape = mesh.lathe([(0, 0), (radius, 0), (upper, height), (0, height)], sections)
        return self.add(shape.transformed(mesh.placed(at=base)), material)

    def lathe(
        self, material: Material, profile: Sequence[tuple[float, float]], at: Point, scale: Point = (1, 1, 1)
    ) -> Item:
        """Add a turned shape, perhaps stretched to an oval."""
        return self.add(mesh.lathe(profile).transformed(mesh.placed(at=at, scale=scale)), material)

    def rod(self, material: Material, start: Point, end: Point, radius: float) -> Item:
        """Add a round bar between two points."""
        return self.add(mesh.rod(start, end, radius), material)

    def transformed(self, matrix: np.ndarray) -> Item:
        """The item under a 4x4 matrix."""
        moved = Item(self.class_name)
        moved.parts = [(shape.transformed(matrix), material) for shape, material in self.parts]
        return moved


@dataclass(frozen=True)
class Surface:
    """A level rectangle to put things on, with ``clearance`` metres of room above it."""

    x0: float
    y0: float
    x1: float
    y1: float
    z: float
    clearance: float = 0.6


@dataclass
class Furniture:
    """Objects that are placed together; x -width/2..width/2, y 0 (back)..depth, z 0..height.

    Attributes:
        items: the objects.
        size: width, depth, height; everything lies within.
        lights: lamps that burn.
    """

    size: tuple[float, float, float]
    items: list[Item] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)

    def item(self, class_name: str) -> Item:
        """A new empty item of this piece."""
        self.items.append(Item(class_name))
        return self.items[-1]

    def include(self, other: Furniture, yaw: float = 0.0, at: Point = (0, 0, 0)) -> None:
        """Take over another piece's objects, turned and moved."""
        moved = other.transformed(mesh.placed(yaw, at))
        self.items += moved.items
        self.lights += moved.lights

    def transformed(self, matrix: np.ndarray) -> Furniture:
        """The piece under a rigid 4x4 matrix; ``size`` stays that of the piece's own frame."""
        lights = [
            Light(
                matrix[:3, :3] @ light.center + matrix[:3, 3],
                matrix[:3, :3] @ light.half_u,
                matrix[:3, :3] @ light.half_v,
                matrix[:3, :3] @ light.normal,
                light.intensity,
                None if light.beam is None else matrix[:3, :3] @ light.beam,
            )
            for light in self.lights
        ]
        return Furniture(self.size, [item.transformed(matrix) for item in self.items], lights)


def bulb(at: Point, intensity: float, warmth: float = 0.8, size: float = 0.06) -> Light:
    """A lamp that shines every way; ``warmth`` is its blue relative to its red."""
    color = np.array([1.0, (1 + warmth) / 2, warmth]) * intensity
    return Light(np.asarray(at, float), np.array([size, 0, 0]), np.array([0, size, 0]), np.zeros(3), color)
