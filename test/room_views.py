"""Views of an empty room with a ball in it, reckoned by hand: depth and classes are exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_perception.dataset_folder import DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter

CLASSES = {1: "wall", 2: "floor", 3: "ball"}
COLORS = np.array([(0, 0, 0), (200, 80, 80), (80, 200, 80), (80, 80, 200)], np.uint8)
CAMERA = Intrinsics(50, 60, 28, 26)
WIDTH, HEIGHT = 64, 48
SIZE = np.array([5.0, 4.0, 2.5])
BALL, RADIUS = np.array([2.5, 2.0, 1.0]), 0.5


def pose(x: float, y: float, yaw: float, pitch: float = 0.0, z: float = 1.2) -> np.ndarray:
    """(4, 4) camera-to-world: there, turned left by ``yaw`` from the x axis and down by ``pitch``, radians."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0])
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    matrix[:3, 3] = x, y, z
    return matrix


def rays(camera_to_world: np.ndarray) -> np.ndarray:
    """(H, W, 3): what a pixel looks along, in the world's axes, of length 1 along the optical axis."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside = [(columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy, np.ones((HEIGHT, WIDTH))]
    return np.stack(inside, -1) @ camera_to_world[:3, :3].T


def hits(origin: np.ndarray, directions: np.ndarray, ball: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """How many lengths of ``directions`` (..., 3) away the first thing is, and of which class."""
    with np.errstate(divide="ignore", over="ignore"):
        sides = np.where(directions > 0, SIZE - origin, -origin) / directions
    sides = np.where(np.isfinite(sides), sides, np.inf)
    distance = sides.min(-1)
    classes = np.where(sides.argmin(-1) == 2, 2, 1)
    square, along = (directions**2).sum(-1), directions @ (origin - BALL)
    root = along**2 - square * (((origin - BALL) ** 2).sum() - RADIUS**2)
    nearer = (-along - np.sqrt(np.maximum(root, 0))) / square
    on_ball = ball & (root > 0) & (nearer > 0) & (nearer < distance)
    return np.where(on_ball, nearer, distance), np.where(on_ball, 3, classes).astype(np.uint8)


def look(camera_to_world: np.ndarray, ball: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Depth (H, W) float32 and classes (H, W) uint8 from there."""
    depth, classes = hits(camera_to_world[:3, 3], rays(camera_to_world), ball)
    return depth.astype(np.float32), classes


def write_room(root: Path, frames: int = 12, labelled: int = 12, **info) -> DatasetFolder:
    """A camera's walk around the ball, looking at it; the first ``labelled`` frames have classes."""
    names = [f"f{i:02d}" for i in range(frames)]
    fields = {"intrinsics": CAMERA, "classes": CLASSES, "licence": "CC0-1.0", "source": "test", **info}
    writer = DatasetWriter(root, DatasetInfo(width=WIDTH, height=HEIGHT, **fields))
    rng = np.random.default_rng(0)
    for i, name in enumerate(names):
        turn = 2 * np.pi * i * 5 / frames  # Neighbours by name see other sides.
        camera = pose(2.5 - 1.6 * np.cos(turn), 2 - 1.6 * np.sin(turn), turn, 0.2)
        depth, semantic = look(camera)
        rgb = np.clip(COLORS[semantic] + rng.normal(0, 8, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
        writer.write_frame(name, rgb, depth=depth, semantic=semantic if i < labelled else None, pose=camera)
    writer.finish()
    return DatasetFolder(root)
