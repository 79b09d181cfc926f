"""How well edges are found."""

from __future__ import annotations

import cv2
import numpy as np

from training.datasets.derived.edges import EDGE, UNKNOWN_EDGE

TOLERANCE = 0.0075
"""Distance in diagonals of the frame within which an edge counts as found: 3 pixels of 320x240."""

LEVELS = 256


class EdgeMetrics:
    """F-score with a tolerance of place, and average precision without one.

    Predicted pixels are right where a true edge is no farther than ``TOLERANCE``; true edge pixels are found where a
    predicted one is no farther. Lines are not thinned, nor matched one to one as the Berkeley benchmark does, so
    figures are not to be set beside its own. Probabilities count in steps of 1/255.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget every frame."""
        # By level of the prediction: known pixels, those within reach of an edge, those on one; true edge pixels by the
        # highest level within reach.
        self._counts = np.zeros((4, LEVELS), np.int64)

    def update(self, probability: np.ndarray, target: np.ndarray, counted: np.ndarray | None = None) -> None:
        """Add a frame.

        Args:
            probability: (H, W) float, 0..1.
            target: (H, W) uint8, see ``edges_of_semantic``.
            counted: (H, W) bool, which pixels are judged and found, all if None; a true edge is near whether counted
                or not.
        """
        level = np.rint(np.clip(probability, 0, 1) * (LEVELS - 1)).astype(np.uint8)
        known, edge = target != UNKNOWN_EDGE, target == EDGE
        reach = max(1, round(TOLERANCE * float(np.hypot(*target.shape))))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        near = cv2.dilate(edge.astype(np.uint8), disc) > 0
        if counted is not None:
            known, edge = known & counted, edge & counted
        highest = cv2.dilate(np.where(known, level, 0), disc)
        chosen = (level[known], level[known & near], level[edge], highest[edge])
        self._counts += [np.bincount(values, minlength=LEVELS) for values in chosen]

    def compute(self) -> dict[str, float]:
        """All figures, 0..1; NaN without a known pixel or an edge.

        Returns:
            ``edge_f``: the best F-score over all thresholds, one for all frames (ODS), ``edge_threshold``: where that
            is; ``edge_ap``: average precision, sum of (R_n - R_n-1) P_n over falling thresholds, pixel on pixel.
        """
        names = ("edge_f", "edge_threshold", "edge_ap")
        # How many lie at a level or above it.
        every, near, hit, found = np.cumsum(self._counts[:, ::-1], axis=1)
        if not found[-1]:
            return dict.fromkeys(names, float("nan"))
        some = np.maximum(every, 1)
        precision, recall = near / some, found / found[-1]
        f = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        best = int(f.argmax())
        exact = np.diff(hit / hit[-1], prepend=0)
        figures = (f[best], (LEVELS - 1 - best) / (LEVELS - 1), (exact * hit / some).sum())
        return dict(zip(names, map(float, figures), strict=True))
