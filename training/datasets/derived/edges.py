"""Boundaries between the regions of a semantic map."""

from __future__ import annotations

import numpy as np

NO_EDGE, EDGE, UNKNOWN_EDGE = 0, 1, 255
EDGE_CERTAIN = 254
"""A true edge, or a probability of 1, where a map holds probabilities of edges in so many steps."""


def edges_of_semantic(semantic: np.ndarray) -> np.ndarray:
    """Pixels that have a pixel of another class beside, above or below them: lines of two pixels.

    Args:
        semantic: (H, W) uint8 class ids, 0 = unlabelled.

    Returns:
        (H, W) uint8: ``EDGE``, ``NO_EDGE``, or ``UNKNOWN_EDGE`` where the pixel or one of its four neighbours is
        unlabelled and no other class touches it: an unlabelled strip may hide a boundary, and is none itself.
    """
    labelled = semantic > 0
    edge, doubtful = np.zeros(semantic.shape, bool), ~labelled
    for one, other in (
        ((slice(1, None),), (slice(None, -1),)),
        ((slice(None), slice(1, None)), (slice(None), slice(-1))),
    ):
        differ = (semantic[one] != semantic[other]) & labelled[one] & labelled[other]
        half = labelled[one] != labelled[other]
        for side in (one, other):
            edge[side] |= differ
            doubtful[side] |= half
    return np.where(edge, EDGE, np.where(doubtful, UNKNOWN_EDGE, NO_EDGE)).astype(np.uint8)
