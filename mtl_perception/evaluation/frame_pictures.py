"""One frame to be looked at: what the camera saw, what a network made of it, and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

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
