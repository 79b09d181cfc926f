"""A scene: every triangle with its material, class and object, ready for ray casting with Embree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from training.rooms.classes import CLASS_IDS
from training.rooms.materials import Material
from training.rooms.mesh import Shape

RAY_OFFSET = 1e-3
"""How far secondary rays start off a surface, metres."""


@dataclass(frozen=True)
class Light:
    """A light that shines from a parallelogram (or point) ``center + s half_u + t half_v``, s and t in -1..1.

    Attributes:
        normal: direction it faces, or zeros if it shines every way.
        intensity: linear RGB, at one metre; of a sun, on a surface that faces it.
        beam: unit vector towards the sun that shines in through the parallelogram, or None for a lamp.
    """

    center: np.ndarray
    half_u: np.ndarray
    half_v: np.ndarray
    normal: np.ndarray
    intensity: np.ndarray
    beam: np.ndarray | None = None


@dataclass(frozen=True)
class Hits:
    """Where N rays first hit.

    Attributes:
        face: triangle, or -1.
        distance: float64, in lengths of the ray's direction; infinite where nothing was hit.
        u, v: barycentric weights of the triangle's second and third corner.
    """

    face: np.ndarray
    distance: np.ndarray
    u: np.ndarray
    v: np.ndarray


class Scene:
    """Triangles gathered with ``add`` and frozen by the first ray.

    Attributes:
        lights: the lamps and windows.
        ambient: linear RGB light from everywhere, dimmed in corners.
    """

    def __init__(self) -> None:
        self.lights: list[Light] = []
        self.ambient = np.full(3, 0.35)
        self._shapes: list[Shape] = []
        self._labels: list[tuple[int, int, int]] = []
        self._materials: dict[int, tuple[int, Material]] = {}
        self._instances = 0
        self._embree: EmbreeScene | None = None

    def new_instance(self) -> int:
        """An object id that no other object has."""
        self._instances += 1
        return self._instances

    def add(self, shape: Shape, material: Material, class_name: str, instance: int = 0) -> None:
        """Add a part of object ``instance``, or of the building if 0."""
        index, _ = self._materials.setdefault(id(material), (len(self._materials), material))
        self._shapes.append(shape)
        self._labels.append((index, CLASS_IDS[class_name], instance))

    def freeze(self) -> None:
        """Make the arrays that rays and shading read; nothing may be added afterwards."""
        corners = np.concatenate([s.corners for s in self._shapes])
        counts = [len(s.corners) for s in self._shapes]
        labels = np.repeat(np.array(self._labels), counts, axis=0)
        self.face_material = labels[:, 0]
        self.face_class = labels[:, 1].astype(np.uint8)
        self.face_instance = labels[:, 2].astype(np.uint16)
        self.face_corner = corners[:, 0]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        self.face_normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-15)
        normals = np.concatenate([s.normals for s in self._shapes]).astype(np.float32)
        uv = np.concatenate([s.uv for s in self._shapes]).astype(np.float32)
        # By corner first: rays gather whole rows of each.
        self.corner_normals, self.corner_uv = (np.ascontiguousarray(a.swapaxes(0, 1)) for a in (normals, uv))
        self.materials = [material for _, material in self._materials.values()]
        self.part_bounds = np.stack([s.bounds for s in self._shapes])
        self.part_labels = np.array(self._labels)
        self._embree = EmbreeScene()
        TriangleMesh(
            scene=self._embree,
            vertices=corners.reshape(-1, 3).astype(np.float32),
            indices=np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3),
        )

    def trace(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """First hits of (N, 3) rays; the distance is recomputed in float64 from the triangle's plane."""
        raw = self._embree.run(_single(origins), _single(directions), output=1)
        face = raw["primID"]
        hit = face >= 0
        distance = np.full(len(face), np.inf)
        normal = self.face_normal[face[hit]]
        offset = np.einsum("ij,ij->i", self.face_corner[face[hit]] - origins[hit], normal)
        slope = np.einsum("ij,ij->i", directions[hit], normal)
        exact = offset / np.where(slope == 0, 1, slope)
        # A ray that all but grazes its triangle is better served by what Embree found.
        distance[hit] = np.where(np.abs(slope) > 1e-3, exact, raw["tfar"][hit])
        return Hits(face, distance, raw["u"], raw["v"])

    def occluded(self, origins: np.ndarray, directions: np.ndarray, limit: np.ndarray) -> np.ndarray:
        """(N,) bool: whether anything lies within ``limit`` metres along unit ``directions``."""
        found = self._embree.run(_single(origins), _single(directions), _single(limit), query="OCCLUDED")
        return found >= 0


def _single(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)
