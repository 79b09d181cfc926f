"""Cityscapes' stereo cameras, and the one that stands for all of them.

The cameras differ by a few tenths of a percent in focal length and more in baseline, while a data set folder has
one camera. A picture tells depth up to the focal length only (``training.datasets.canonical_camera``), so each
frame's depth is given as the common camera would see it: multiplied by the common focal length over the frame's own.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mtl_perception.dataset_folder import DatasetError, Intrinsics

WIDEST_SPREAD = 0.05
"""How far a focal length may lie from the common one, as a share of it. Beyond this they are no longer one camera."""


@dataclass(frozen=True, order=True)
class StereoCamera:
    """A rectified stereo camera.

    Attributes:
        fx, fy, cx, cy: pixels of the full image.
        baseline: distance of the two lenses, metres.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    baseline: float

    @classmethod
    def parse(cls, text: bytes, where: str) -> StereoCamera:
        """Read a ``*_camera.json``.

        Raises:
            DatasetError: it is not one; the message begins with ``where``.
        """
        try:
            data = json.loads(text)
            intrinsic = data["intrinsic"]
            values = [float(intrinsic[key]) for key in ("fx", "fy", "u0", "v0")] + [
                float(data["extrinsic"]["baseline"])
            ]
        except (ValueError, TypeError, KeyError) as error:
            raise DatasetError(
                f"{where} is no Cityscapes camera: it lacks intrinsic fx, fy, u0, v0 or extrinsic baseline"
            ) from error
        camera = cls(*values)
        if not all(map(math.isfinite, values)) or min(camera.fx, camera.fy, camera.baseline) <= 0:
            raise DatasetError(f"{where}: focal lengths and baseline must be positive and finite")
        return camera

    def depth(self, disparity: np.ndarray, common: StereoCamera) -> np.ndarray:
        """Depth of a disparity image, as ``common`` would see it.

        Args:
            disparity: uint16 as stored; p stands for (p - 1) / 256 pixels of the full image, 0 for no match.
            common: the camera that stands for all.

        Returns:
            float32 metres of the same shape, 0 = unknown.
        """
        pixels = np.where(disparity > 1, (disparity.astype(np.float32) - 1) / 256, np.float32(np.inf))
        true_depth = self.baseline * self.fx / pixels
        return (true_depth * (common.fx / self.fx)).astype(np.float32)


def common_camera(cameras: Mapping[str, StereoCamera]) -> StereoCamera:
    """The camera that took most of the frames.

    Args:
        cameras: by name of the frame.

    Raises:
        DatasetError: a frame's focal length is too far from it.
    """
    counts = Counter(cameras.values())
    common = min(counts, key=lambda camera: (-counts[camera], camera))
    for name, camera in cameras.items():
        if abs(camera.fx / common.fx - 1) > WIDEST_SPREAD:
            raise DatasetError(
                f"{name} has focal length {camera.fx:g}, most frames {common.fx:g}: more than {WIDEST_SPREAD:.0%} "
                "apart, so no one camera can stand for all"
            )
    return common


def resized(camera: StereoCamera, scale: float) -> Intrinsics:
    """The camera of its image resized by ``scale``; pixel centres lie at whole numbers."""
    shift = (scale - 1) / 2
    return Intrinsics(camera.fx * scale, camera.fy * scale, camera.cx * scale + shift, camera.cy * scale + shift)
