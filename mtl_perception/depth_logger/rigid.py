"""Poses and transforms: 4x4 matrices of a position and a unit quaternion (x, y, z, w), and poses between poses."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Sequence

import numpy as np

_ALMOST_PARALLEL = 1 - 1e-9
_STEP_BACK = 10**9
"""Nanoseconds by which stamps go back at the least where a bag begins again; by less they come out of order."""


def transform(position: Sequence[float], quaternion: Sequence[float]) -> np.ndarray:
    """The (4, 4) float64 matrix that turns by ``quaternion`` (x, y, z, w), normalised, and then moves by ``position``.

    Raises:
        ValueError: a number is not finite, or the quaternion is zero.
    """
    numbers = np.array([*position, *quaternion], float)
    length = np.linalg.norm(numbers[3:])
    if not np.isfinite(numbers).all() or length < 1e-6:
        raise ValueError("a pose is 3 finite numbers and a quaternion that is not zero")
    x, y, z, w = numbers[3:] / length
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = numbers[:3]
    return matrix


def parse_pose(text: str) -> np.ndarray | None:
    """The (4, 4) matrix of ``"x y z qx qy qz qw"``, None of empty text.

    Raises:
        ValueError: it is neither.
    """
    if not text.strip():
        return None
    try:
        numbers = [float(word) for word in text.replace(",", " ").split()]
        if len(numbers) == 7:
            return transform(numbers[:3], numbers[3:])
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no pose: 'x y z qx qy qz qw', metres and a quaternion")


def inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a rigid transform, exactly rigid again."""
    result = np.eye(4)
    result[:3, :3] = matrix[:3, :3].T
    result[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return result


def distance(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """How far two poses are apart: metres, and degrees of the turn between them."""
    moved = float(np.linalg.norm(first[:3, 3] - second[:3, 3]))
    cosine = (np.trace(first[:3, :3].T @ second[:3, :3]) - 1) / 2
    return moved, math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


class PoseTrack:
    """The latest poses of a moving frame, and the pose at any time between them; thread-safe.

    Args:
        seconds: how long a pose is remembered.
        reach: how far, in seconds, the time asked for may be from the nearest pose.
    """

    def __init__(self, seconds: float, reach: float) -> None:
        self._span = round(seconds * 1e9)
        self._reach = round(reach * 1e9)
        self._lock = threading.Lock()
        self._poses: deque[tuple[int, np.ndarray, np.ndarray]] = deque()

    def add(self, stamp: int, position: Sequence[float], quaternion: Sequence[float]) -> None:
        """Remember a pose at ``stamp`` (ns).

        One of the latest pose's stamp stands for that, and one a little older is left out; one that goes back by more
        than a second begins the track anew.

        Raises:
            ValueError: as ``transform``.
        """
        transform(position, quaternion)
        unit = np.array(quaternion, float)
        with self._lock:
            if self._poses:
                back = self._poses[-1][0] - stamp
                if back > _STEP_BACK:
                    self._poses.clear()
                elif back > 0:
                    return
                elif back == 0:
                    self._poses.pop()
            self._poses.append((stamp, np.array(position, float), unit / np.linalg.norm(unit)))
            while stamp - self._poses[0][0] > self._span:
                self._poses.popleft()

    def at(self, stamp: int) -> np.ndarray | None:
        """The (4, 4) pose at ``stamp`` (ns): between two poses, or the nearest one; None where none is in reach."""
        with self._lock:
            poses = list(self._poses)
        after = next((i for i, pose in enumerate(poses) if pose[0] >= stamp), len(poses))
        near = poses[max(0, after - 1) : after + 1]
        if not near or min(abs(pose[0] - stamp) for pose in near) > self._reach:
            return None
        if len(near) == 1 or after == 0:
            return transform(*near[0][1:])
        (start, *first), (end, *second) = near
        share = (stamp - start) / (end - start)
        return transform(first[0] + share * (second[0] - first[0]), _slerp(first[1], second[1], share))


def _slerp(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """The turn ``share`` (0..1) of the way from one unit quaternion to another, the shorter way round."""
    cosine = float(first @ second)
    if cosine < 0:
        second, cosine = -second, -cosine
    if cosine > _ALMOST_PARALLEL:
        return first + share * (second - first)
    angle = math.acos(cosine)
    return (math.sin((1 - share) * angle) * first + math.sin(share * angle) * second) / math.sin(angle)
