"""How the frames of a robot lie to each other where they do not move: what /tf_static tells."""

from __future__ import annotations

import numpy as np

from mtl_perception.depth_logger.rigid import inverse

_DEEPEST = 100
"""Frames between a frame and its root; more are a ring."""


class StaticTransforms:
    """A forest of frames."""

    def __init__(self) -> None:
        self._parents: dict[str, tuple[str, np.ndarray]] = {}

    def add(self, parent: str, child: str, transform: np.ndarray) -> None:
        """Take in the (4, 4) pose of ``child`` in ``parent``."""
        self._parents[child.lstrip("/")] = (parent.lstrip("/"), transform)

    def lookup(self, target: str, source: str) -> np.ndarray | None:
        """The (4, 4) transform of points from ``source`` into ``target``, or None where no way leads there."""
        from_source, from_target = self._to_ancestors(source.lstrip("/")), self._to_ancestors(target.lstrip("/"))
        common = next((frame for frame in from_source if frame in from_target), None)
        return None if common is None else inverse(from_target[common]) @ from_source[common]

    def _to_ancestors(self, frame: str) -> dict[str, np.ndarray]:
        """The transforms from ``frame`` into itself and every frame above it, nearest first."""
        found = {frame: np.eye(4)}
        for _ in range(_DEEPEST):
            if frame not in self._parents:
                break
            parent, transform = self._parents[frame]
            found[parent] = transform @ found[frame]
            frame = parent
        return found
