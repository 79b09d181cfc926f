"""Shapes as triangle soups with shading normals and texture coordinates.

Axes: x right, y away from the wall a thing stands at, z up; metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import trimesh

Point = Sequence[float]


@dataclass(frozen=True)
class Shape:
    """Triangles.

    Attributes:
        corners: (F, 3, 3) positions, metres.
        normals: (F, 3, 3) unit shading normals at the corners.
        uv: (F, 3, 2) texture coordinates, metres unless the shape says otherwise.
    """

    corners: np.ndarray
    normals: np.ndarray
    uv: np.ndarray

    def transformed(self, matrix: np.ndarray) -> Shape:
        """The shape under a 4x4 affine ``matrix``; texture coordinates stay."""
        linear = matrix[:3, :3]
        normals = self.normals @ np.linalg.inv(linear)
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
        return Shape(self.corners @ linear.T + matrix[:3, 3], normals, self.uv)

    @cached_property
    def bounds(self) -> np.ndarray:
        """(2, 3) lower and upper corner."""
        points = self.corners.reshape(-1, 3)
        return np.stack([points.min(0), points.max(0)])


def box(lo: Point, hi: Point, radius: float = 0.0) -> Shape:
    """Box from ``lo`` to ``hi`` with edges rounded to ``radius``; texture u runs along its longest side."""
    low, high = np.asarray(lo, float), np.asarray(hi, float)
    half = (high - low) / 2
    radius = min(radius, 0.999 * float(half.min()))
    if radius <= 0:
        corners, directions = _cube()
        corners = corners * half
        normals = np.repeat(_face_normals(corners)[:, None], 3, 1)
    else:
        signs, directions = _round_cube()
        corners = signs * (half - radius) + directions * radius
        normals = directions
    corners = corners + (low + high) / 2
    return Shape(corners, normals, _projected_uv(corners, high - low))


def panel(lo: Point, hi: Point) -> Shape:
    """Upright rectangle facing +y at ``lo[1]``; texture fitted to it once, u and v 0..1, v down.

    Seen from +y, local x runs to the left, so u runs against it.
    """
    (x0, y, z0), (x1, _, z1) = lo, hi
    points = np.array([[x0, y, z0], [x1, y, z0], [x1, y, z1], [x0, y, z1]], float)
    return _quad(points, np.array([[1, 1], [0, 1], [0, 0], [1, 0]], float))


def mat(lo: Point, hi: Point) -> Shape:
    """Flat rectangle facing up at ``lo[2]``; texture fitted to it once."""
    (x0, y0, z), (x1, y1, _) = lo, hi
    points = np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], float)
    return _quad(points, np.array([[0, 1], [1, 1], [1, 0], [0, 0]], float))


def rectangle(origin: Point, along: Point, up: Point) -> Shape:
    """Parallelogram ``origin + s along + t up``, texture in metres with v down."""
    o, a, b = (np.asarray(v, float) for v in (origin, along, up))
    points = np.stack([o, o + a, o + a + b, o + b])
    width, height = np.linalg.norm(a), np.linalg.norm(b)
    return _quad(points, np.array([[0, 0], [width, 0], [width, -height], [0, -height]]))


def lathe(profile: Sequence[tuple[float, float]], sections: int = 20) -> Shape:
    """Surface of revolution of ``(radius, height)`` points about the z axis; creases above 40 degrees stay sharp."""
    outline = np.asarray(profile, float)
    step = np.diff(outline, axis=0)
    step_normals = np.stack([step[:, 1], -step[:, 0]], 1)
    step_normals /= np.maximum(np.linalg.norm(step_normals, axis=1, keepdims=True), 1e-12)
    angle = np.linspace(0, 2 * np.pi, sections + 1)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(step, axis=1))])
    radius = max(outline[:, 0].max(), 1e-6)
    pieces = []
    for i in range(len(step)):
        ends = np.repeat(step_normals[i][None], 2, 0)
        for end, other in ((0, i - 1), (1, i + 1)):
            if 0 <= other < len(step) and step_normals[i] @ step_normals[other] > 0.766:
                mean = step_normals[i] + step_normals[other]
                ends[end] = mean / np.linalg.norm(mean)
        rows = np.stack([_ring(circle, outline[i + e, 0], outline[i + e, 1]) for e in (0, 1)])
        normals = np.stack([_ring(circle, ends[e, 0], ends[e, 1]) for e in (0, 1)])
        uv = np.stack([np.stack([angle * radius, np.full_like(angle, length[i + e])], 1) for e in (0, 1)])
        pieces.append(_grid(rows, normals, uv))
    shape = merged(pieces)
    area = np.linalg.norm(np.cross(*(shape.corners[:, i] - shape.corners[:, 0] for i in (1, 2))), axis=1)
    keep = area > 1e-12
    return Shape(shape.corners[keep], shape.normals[keep], shape.uv[keep])


def sheet(points: np.ndarray) -> Shape:
    """Smooth surface through a (rows, columns, 3) grid of points, texture in metres along the grid."""
    down, right = np.gradient(points, axis=0), np.gradient(points, axis=1)
    normals = np.cross(right, down)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    u, v = (
        np.cumsum(np.insert(np.linalg.norm(np.diff(points, axis=a), axis=-1), 0, 0, axis=a), axis=a) for a in (1, 0)
    )
    return _grid(points, normals, np.stack([u, v], -1))


def cushion(size: Point, cells: int = 10) -> Shape:
    """A stuffed cushion of ``size`` (x, y, z) centred at the origin, thin at its seam."""
    side = np.sin(np.linspace(-np.pi / 2, np.pi / 2, cells + 1))
    s, t = np.meshgrid(side, side)
    puff = np.sqrt(np.clip((1 - s**4) * (1 - t**4), 0, 1))
    pinch = 1 - 0.08 * (1 - puff)
    half = np.asarray(size, float) / 2
    top = np.stack([s * pinch, t * pinch, puff], -1) * half
    lower = top * np.array([1, 1, -1])
    return merged([sheet(top), sheet(lower)])


def ball(radius: float) -> Shape:
    """A sphere about the origin."""
    corners = _sphere()
    return Shape(corners * radius, corners, _projected_uv(corners * radius, np.ones(3)))


def rod(start: Point, end: Point, radius: float, sections: int = 10) -> Shape:
    """Cylinder between two points."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(b - a))
    shape = lathe([(0, 0), (radius, 0), (radius, length), (0, length)], sections)
    matrix = trimesh.geometry.align_vectors([0, 0, 1], (b - a) / length)
    matrix[:3, 3] = a
    return shape.transformed(matrix)


def merged(shapes: Sequence[Shape]) -> Shape:
    """All triangles of several shapes as one."""
    return Shape(*(np.concatenate([getattr(s, k) for s in shapes]) for k in ("corners", "normals", "uv")))


def placed(yaw: float = 0.0, at: Point = (0, 0, 0), scale: Point = (1, 1, 1)) -> np.ndarray:
    """4x4 matrix: scale, then turn by ``yaw`` radians about z, then move."""
    matrix = trimesh.transformations.rotation_matrix(yaw, [0, 0, 1])
    matrix[:3, :3] *= np.asarray(scale, float)
    matrix[:3, 3] = at
    return matrix


def _quad(points: np.ndarray, uv: np.ndarray) -> Shape:
    order = np.array([[0, 1, 2], [0, 2, 3]])
    corners = points[order]
    return Shape(corners, np.repeat(_face_normals(corners)[:, None], 3, 1), uv[order])


def _grid(points: np.ndarray, normals: np.ndarray, uv: np.ndarray) -> Shape:
    """Two triangles for every cell of (rows, columns, ...) arrays."""
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return Shape(points.reshape(-1, 3)[faces], normals.reshape(-1, 3)[faces], uv.reshape(-1, 2)[faces])


def _ring(circle: np.ndarray, radius: float, height: float) -> np.ndarray:
    return np.column_stack([circle * radius, np.full(len(circle), height)])


def _face_normals(corners: np.ndarray) -> np.ndarray:
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _projected_uv(corners: np.ndarray, extents: np.ndarray) -> np.ndarray:
    """Project every triangle along its dominant axis; u takes the longer of the two other sides."""
    dominant = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])).argmax(1)
    order = np.argsort(-extents, kind="stable")
    axes = np.array([[a for a in order if a != axis] for axis in range(3)])[dominant]
    rows = np.arange(len(corners))[:, None, None]
    return corners[rows, np.arange(3)[None, :, None], axes[:, None, :]]


@lru_cache(maxsize=1)
def _cube() -> tuple[np.ndarray, np.ndarray]:
    corners = np.asarray(trimesh.creation.box(extents=(2, 2, 2)).triangles)
    return corners, corners / np.sqrt(3)


@lru_cache(maxsize=1)
def _sphere() -> np.ndarray:
    return np.asarray(trimesh.creation.icosphere(subdivisions=2).triangles)


@lru_cache(maxsize=1)
def _round_cube(steps: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Corner signs and unit directions of a cube whose edges are arcs of ``steps`` points."""
    half = np.tan(np.linspace(0.0, np.pi / 4, steps))
    line = np.concatenate([-half[::-1], half])
    sign = np.concatenate([-np.ones(steps), np.ones(steps)])
    signs, directions = [], []
    for axis in range(3):
        for side in (-1.0, 1.0):
            a, b = np.meshgrid(line, line, indexing="ij")
            sa, sb = np.meshgrid(sign, sign, indexing="ij")
            point, corner = np.empty((*a.shape, 3)), np.empty((*a.shape, 3))
            point[..., axis], point[..., (axis + 1) % 3], point[..., (axis + 2) % 3] = side, a * side, b
            corner[..., axis], corner[..., (axis + 1) % 3], corner[..., (axis + 2) % 3] = side, sa * side, sb
            point /= np.linalg.norm(point, axis=-1, keepdims=True)
            flat = _grid(corner, point, a[..., None] * np.zeros(2))
            signs.append(flat.corners)
            directions.append(flat.normals)
    return np.concatenate(signs), np.concatenate(directions)
