"""One canonical camera for all data: metric depth belongs to a focal length.

A network sees no focal length, so the same picture from a longer lens shows a scene farther away.
Every frame is therefore taken as if by one camera: its depth is multiplied by the canonical focal
length over its own, both in pixels of the network's working width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtl_perception.dataset_folder import Intrinsics
from training.datasets.augmentation import View
from training.datasets.placement import Placement, place


@dataclass(frozen=True)
class CanonicalCamera:
    """The camera a network works with.

    Attributes:
        height, width: the network's working size, pixels, multiples of 32.
        focal_length: pixels of that width.
    """

    height: int
    width: int
    focal_length: float

    def place(self, height: int, width: int) -> Placement:
        """Where a frame of that size, or such a part of one, lies in the picture."""
        return place((height, width), (self.height, self.width))

    def depth_factor(self, focal_length: float, height: int, width: int) -> float:
        """What true depth is multiplied by, to become canonical depth.

        Args:
            focal_length: of the camera, in pixels of a frame of ``height`` x ``width``.
            height: of the frame in pixels; a part of a frame counts as a frame of its own.
            width: likewise.
        """
        return self.focal_length / (focal_length * self.place(height, width).scale)

    def scene_matrix(self, camera: Intrinsics, view: View) -> np.ndarray:
        """What takes a point of a camera's axes to the canonical camera's, for the part of its image that is a view.

        The canonical camera sees the whole view, its axis through the middle, with its own focal length.
        So what it takes to be there is the scene at ``depth_factor`` of the distance, and leant over where the view
        lies beside the principal point: (3, 3), with columns x, y, z. Mirroring comes after it.
        """
        factor = self.depth_factor(camera.fx, view.height, view.width)
        placed = self.place(view.height, view.width)
        # How much taller than wide a pixel of the view becomes.
        stretch = (placed.height / view.height) / (placed.width / view.width)
        return np.array(
            [
                [1, 0, (camera.cx - (view.left + view.width / 2 - 0.5)) / camera.fx],
                [
                    0,
                    stretch * camera.fy / camera.fx,
                    stretch * (camera.cy - (view.top + view.height / 2 - 0.5)) / camera.fx,
                ],
                [0, 0, factor],
            ]
        )

    def normals(self, normals: np.ndarray, camera: Intrinsics, view: View) -> np.ndarray:
        """True unit normals (..., 3) of a camera as the canonical camera's of a view; zeros stay zeros.

        A longer lens flattens what it shows, as it does depth: a network that sees no focal length could not tell.
        """
        return _through(normals, np.linalg.inv(self.scene_matrix(camera, view)))

    def true_normals(self, normals: np.ndarray, camera: Intrinsics, view: View) -> np.ndarray:
        """The other way round: what the canonical camera sees in a view, in the axes of the camera that took it."""
        return _through(normals, self.scene_matrix(camera, view))


def _through(normals: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Normals of the surfaces that the inverse of a matrix takes to others: they go by its transpose, inverted."""
    turned = normals @ inverse.astype(np.float32)
    length = np.linalg.norm(turned, axis=-1, keepdims=True)
    return turned / np.where(length > 0, length, 1)
