"""What was labelled in one view is labelled in another that sees it, too.

A pixel with depth is a point of the world. Where a labelled view measured that very point, its class there is the
pixel's; where it measured something nearer the point was hidden from it, and where something farther, the thing was
moved since or a pose is wrong: then it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

_SAMPLE = 1200
"""A view is first asked for so many points of a frame, drawn by lot: most of a building's show nothing of it."""
_NEAREST = 0.1
"""Metres in front of a camera from which on it sees a point."""
_OUTSIDE = -1e4
"""Where in the picture a point is that the camera does not see."""


@dataclass(frozen=True)
class View:
    """A frame that knows where it was taken.

    Attributes:
        depth: (H, W) float32 metres along the optical axis, 0 = unknown.
        pose: (4, 4) float64 camera-to-world, rigid, metres.
    """

    depth: np.ndarray
    pose: np.ndarray


@dataclass(frozen=True)
class LabelledView(View):
    """A frame with classes: ``semantic`` are its ids, (H, W) uint8, 0 = unlabelled."""

    semantic: np.ndarray


class LabelledViews:
    """Labelled frames of one camera and one world, which vote on the classes of another frame.

    Args:
        views: by name.
        camera: (3, 3) matrix of the camera, in pixels of the maps.
        classes: the highest class id.
        tolerance: a view measured a point where its depth differs from the point's distance by no more than this share,
            below 1.
    """

    def __init__(self, views: Mapping[str, LabelledView], camera: np.ndarray, classes: int, tolerance: float) -> None:
        self.views, self._classes, self._tolerance = views, classes, tolerance
        self._camera, self._inverse = camera.astype(np.float32), np.linalg.inv(camera)

    def classes_of(self, frame: View, without: str = "") -> tuple[np.ndarray, np.ndarray]:
        """Classes of ``frame`` by the votes of all views but ``without``.

        Returns:
            (H, W) uint8, the class with most votes, 0 where no view measured the point; and (H, W) uint8, 255 times
            its share of the votes, rounded down.
        """
        points = self._points(frame.depth)
        known = points[frame.depth > 0]
        drawn = np.random.default_rng(0).integers(len(known), size=_SAMPLE) if len(known) > _SAMPLE else slice(None)
        sample = known[drawn, None]
        votes = np.zeros((*frame.depth.shape, self._classes + 1), np.uint16)
        for name, view in self.views.items():
            motion = (np.linalg.inv(view.pose) @ frame.pose).astype(np.float32)
            if name == without or not len(known) or not self._measured(view, sample, motion)[0].any():
                continue
            same, place = self._measured(view, points, motion)
            seen = np.where(same, _at(view.semantic, place), np.uint8(0))
            rows, columns = np.nonzero(seen)
            votes[rows, columns, seen[rows, columns]] += 1
        classes, most = votes.argmax(-1).astype(np.uint8), votes.max(-1)
        # Rounded down, or one of two votes would be more than half of them.
        return classes, (255.0 * most // np.maximum(votes.sum(-1), 1)).astype(np.uint8)

    def _points(self, depth: np.ndarray) -> np.ndarray:
        """(H, W, 3) float32: where the pixels are in the camera's axes; 0 where depth is unknown."""
        rows, columns = np.mgrid[: depth.shape[0], : depth.shape[1]]
        rays = np.stack([columns, rows, np.ones_like(rows)], -1) @ self._inverse.T
        return rays.astype(np.float32) * depth[..., None]

    def _measured(self, view: View, points: np.ndarray, motion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of the points (h, w, 3), which ``motion`` brings into its axes, ``view`` measured, and at what pixels.

        Returns:
            (h, w) bool; (h, w, 2) float32, column and row.
        """
        moved = points @ motion[:3, :3].T + motion[:3, 3]
        distance = moved[..., 2]
        image = moved @ self._camera.T
        ahead = (distance > _NEAREST) & (points[..., 2] > 0)
        place = np.full((*distance.shape, 2), _OUTSIDE, np.float32)
        np.divide(image[..., :2], image[..., 2:], out=place, where=ahead[..., None])
        # Never of unknown depth, which is 0.
        return np.abs(_at(view.depth, place) - distance) <= self._tolerance * distance, place


def _at(whole: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The values of a map at the pixels nearest to ``place``, 0 outside of it.

    Depth between two pixels would be that of nothing where a border runs between them.
    """
    return cv2.remap(whole, place, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
