"""The pinhole camera: rays of its pixels and poses in the room.

Pixel (u, v) has its centre at whole numbers, as in ROS: its ray is ((u - cx) / fx, (v - cy) / fy, 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtl_perception.dataset_folder import Intrinsics


@dataclass(frozen=True)
class Camera:
    """Image size and intrinsics."""

    width: int
    height: int
    intrinsics: Intrinsics

    @classmethod
    def centred(cls, width: int, height: int, focal: float) -> Camera:
        """A camera whose principal point is the middle of the image."""
        return cls(width, height, Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2))

    def rays(self, pose: np.ndarray, samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Origins and directions, each (samples H * samples W, 3), row by row; directions advance 1 m along the axis.

        With ``samples`` > 1 every pixel has that many rays a side, evenly spread over its square.
        """
        k = self.intrinsics
        u = (np.arange(self.width * samples) + 0.5) / samples - 0.5
        v = (np.arange(self.height * samples) + 0.5) / samples - 0.5
        x, y = np.meshgrid((u - k.cx) / k.fx, (v - k.cy) / k.fy)
        local = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3)
        rotation = pose[:3, :3]
        # Written out: a BLAS product could round differently with the number of threads.
        directions = local[:, :1] * rotation[:, 0] + local[:, 1:2] * rotation[:, 1] + rotation[:, 2]
        return np.broadcast_to(pose[:3, 3], directions.shape), directions


def look(position: np.ndarray, yaw: float, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """4x4 camera-to-world pose; ``yaw`` from world x about z, ``pitch`` above the horizon, radians."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    down = np.cross(forward, right)
    pose = np.eye(4)
    pose[:3, 0] = np.cos(roll) * right + np.sin(roll) * down
    pose[:3, 1] = np.cos(roll) * down - np.sin(roll) * right
    pose[:3, 2] = forward
    pose[:3, 3] = position
    return pose
