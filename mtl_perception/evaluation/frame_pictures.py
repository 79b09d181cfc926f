"""One frame to be looked at: what the camera saw, what a network made of it, and what is true."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

LARGEST_WIDTH = 640
"""Pixels: a page shows no more, and frames of a large camera are not all held at once."""
Task = Literal["depth", "segmentation"]
Rank = Literal["worst", "median", "best", "sample"]


@dataclass(frozen=True)
class FramePictures:
    """A frame of a recording as one network sees it, chosen for how well it does there.

    Attributes:
        model: name of the network, as in the metrics.
        task: by which the frame was chosen.
        rank: its place among all frames of the task; ``sample`` where no truth tells good from bad.
        stamp: of the image, nanoseconds.
        index: of the image among all of its topic, from 0.
        score: of the frame, None without truth.
        score_name: what the score is, as in the metrics, such as ``rmse``; empty without truth.
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32, predicted, metres.
        segmentation: (H, W) uint8, predicted class ids, 255 not confident; None where it was not looked at.
        true_depth: (H, W) float32 metres, 0 unknown; None without.
        true_segmentation: (H, W) uint8 class ids, 0 unlabelled; None without.
    """

    model: str
    task: Task
    rank: Rank
    stamp: int
    index: int
    score: float | None
    score_name: str
    rgb: np.ndarray
    depth: np.ndarray
    segmentation: np.ndarray | None
    true_depth: np.ndarray | None
    true_segmentation: np.ndarray | None

    def shrunk(self, width: int) -> FramePictures:
        """At most ``width`` pixels wide; depths and classes are picked, as a mean of them is nowhere true."""
        height, wide = self.rgb.shape[:2]
        if wide <= width:
            return self
        size = width, max(1, round(height * width / wide))

        def picked(pixels: np.ndarray | None) -> np.ndarray | None:
            return None if pixels is None else cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST)

        return replace(
            self,
            rgb=cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA),
            depth=picked(self.depth),
            segmentation=picked(self.segmentation),
            true_depth=picked(self.true_depth),
            true_segmentation=picked(self.true_segmentation),
        )
