"""The bare room and the placing of furniture in it without collisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.rooms import mesh
from training.rooms.furniture.item import Furniture
from training.rooms.scene import Scene


@dataclass(frozen=True)
class Wall:
    """A wall from ``start`` along unit ``along`` for ``length`` metres; ``normal`` points into the room."""

    start: np.ndarray
    along: np.ndarray
    normal: np.ndarray
    length: float

    def matrix(self, s: float, z: float) -> np.ndarray:
        """Pose of a piece whose back touches the wall ``s`` metres along it, ``z`` above the floor."""
        at = self.start + s * self.along
        return mesh.placed(float(np.arctan2(self.along[1], self.along[0])), (at[0], at[1], z))


@dataclass(frozen=True)
class Plan:
    """Outline and height of a room: a rectangle, less a corner from ``notch`` on if it is L-shaped."""

    width: float
    depth: float
    height: float
    notch: tuple[float, float] | None = None

    def corners(self) -> np.ndarray:
        """(N, 2) outline, anticlockwise."""
        w, d = self.width, self.depth
        if self.notch is None:
            return np.array([[0, 0], [w, 0], [w, d], [0, d]], float)
        x, y = self.notch
        return np.array([[0, 0], [w, 0], [w, y], [x, y], [x, d], [0, d]], float)

    def walls(self) -> list[Wall]:
        """The walls in order of the corners."""
        points = self.corners()
        walls = []
        for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
            length = float(np.linalg.norm(b - a))
            along = (b - a) / length
            walls.append(Wall(a, along, np.array([-along[1], along[0]]), length))
        return walls

    def rectangles(self) -> list[tuple[float, float, float, float]]:
        """The floor as rectangles (x0, y0, x1, y1) that do not overlap."""
        if self.notch is None:
            return [(0, 0, self.width, self.depth)]
        x, y = self.notch
        return [(0, 0, self.width, y), (0, y, x, self.depth)]

    def contains(self, lo: np.ndarray, hi: np.ndarray, slack: float = 1e-6) -> bool:
        """Whether an axis-aligned box lies inside the room."""
        size = (self.width, self.depth, self.height)
        if (lo < -slack).any() or (hi > np.array(size) + slack).any():
            return False
        return self.notch is None or hi[0] <= self.notch[0] + slack or hi[1] <= self.notch[1] + slack


class Layout:
    """A room being furnished: what is placed is added to ``scene`` and keeps its space."""

    def __init__(self, plan: Plan, scene: Scene, rng: np.random.Generator) -> None:
        self.plan, self.scene, self.rng = plan, scene, rng
        self.focus: list[np.ndarray] = []
        self._solid = np.empty((0, 2, 3))
        self._clear = np.empty((0, 2, 3))

    def against_wall(
        self,
        piece: Furniture,
        *,
        walls: Sequence[Wall] | None = None,
        z: float = 0.0,
        front: float = 0.0,
        corner: bool = False,
        tries: int = 30,
    ) -> bool:
        """Place a piece with its back to a random wall, ``front`` metres before it kept free.

        Returns:
            False if it fits nowhere.
        """
        choices = list(walls or self.plan.walls())
        boxes = item_boxes(piece)
        lo, hi = boxes[:, 0].min(0), boxes[:, 1].max(0)
        for _ in range(tries):
            wall = choices[self.rng.integers(len(choices))]
            first, last = -lo[0] + 0.01, wall.length - hi[0] - 0.01
            if first > last:
                continue
            s = (first if self.rng.random() < 0.5 else last) if corner else self.rng.uniform(first, last)
            if self.put(piece, wall.matrix(s, z), front, local=boxes):
                return True
        return False

    def free_standing(self, piece: Furniture, *, margin: float, tries: int = 30) -> bool:
        """Place a piece anywhere on the floor with ``margin`` metres around it kept free."""
        depth, boxes = piece.size[1], item_boxes(piece)
        for _ in range(tries):
            yaw = self.rng.uniform(0, 2 * np.pi)
            at = self.rng.uniform((0, 0), (self.plan.width, self.plan.depth))
            middle = mesh.placed(yaw, (*at, 0)) @ mesh.placed(at=(0, -depth / 2, 0))
            if self.put(piece, middle, margin, around=True, local=boxes):
                return True
        return False

    def put(
        self,
        piece: Furniture,
        matrix: np.ndarray,
        front: float = 0.0,
        around: bool = False,
        local: np.ndarray | None = None,
    ) -> bool:
        """Place a piece at ``matrix`` if nothing is in its way; ``local`` is its ``item_boxes`` if known."""
        local = item_boxes(piece) if local is None else local
        boxes = _moved(local, matrix)
        if not self.plan.contains(boxes[:, 0].min(0), boxes[:, 1].max(0)) and not all(
            self.plan.contains(lo, hi) for lo, hi in boxes
        ):
            return False
        if _overlap(boxes, self._solid) or _overlap(boxes, self._clear):
            return False
        if front > 0:
            lo, hi = local[:, 0].min(0), local[:, 1].max(0)
            if around:
                reach = np.array([front, front, 0])
                space = np.stack([lo - reach, hi + reach])
            else:
                space = np.array([[lo[0], hi[1], 0.1], [hi[0], hi[1] + front, hi[2]]])
            moved = _moved(space[None], matrix)
            if _overlap(moved, self._solid):
                return False
            self._clear = np.concatenate([self._clear, moved])
        self._solid = np.concatenate([self._solid, boxes])
        self._add(piece.transformed(matrix))
        return True

    def keep_clear(self, lo: Sequence[float], hi: Sequence[float], matrix: np.ndarray) -> None:
        """Reserve a box, given in the frame of ``matrix``, that furniture may not enter."""
        self._clear = np.concatenate([self._clear, _moved(np.array([[lo, hi]], float), matrix)])

    def _add(self, piece: Furniture) -> None:
        for item in piece.items:
            instance = self.scene.new_instance()
            for shape, material in item.parts:
                self.scene.add(shape, material, item.class_name, instance)
            bounds = np.stack([shape.bounds for shape, _ in item.parts])
            self.focus.append((bounds[:, 0].min(0) + bounds[:, 1].max(0)) / 2)
        self.scene.lights += piece.lights


def item_boxes(piece: Furniture) -> np.ndarray:
    """(items, 2, 3) bounds of every item."""
    bounds = [np.stack([shape.bounds for shape, _ in item.parts]) for item in piece.items]
    return np.array([[b[:, 0].min(0), b[:, 1].max(0)] for b in bounds])


def _moved(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Axis-aligned bounds (N, 2, 3) of boxes (N, 2, 3) under a rigid ``matrix``."""
    middle, half = boxes.mean(1), (boxes[:, 1] - boxes[:, 0]) / 2
    middle = middle @ matrix[:3, :3].T + matrix[:3, 3]
    half = half @ np.abs(matrix[:3, :3]).T
    return np.stack([middle - half, middle + half], 1)


def _overlap(a: np.ndarray, b: np.ndarray, slack: float = 2e-3) -> bool:
    """Whether any box of ``a`` (N, 2, 3) enters one of ``b`` (M, 2, 3)."""
    into = (a[:, None, 0] < b[None, :, 1] - slack) & (b[None, :, 0] < a[:, None, 1] - slack)
    return bool(into.all(-1).any())
