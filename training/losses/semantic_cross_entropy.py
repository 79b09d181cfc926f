"""Cross-entropy of the semantic classes."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from training.datasets.sample import IGNORE


def semantic_cross_entropy(scores: Tensor, semantic: Tensor) -> Tensor:
    """Mean cross-entropy over the labelled pixels.

    Only here do the data's ids 1..N become the indices 0..N-1 of the scores.

    Args:
        scores: (B, N, H, W), one score a class.
        semantic: (B, H, W) int64 ids 1..N, ``IGNORE`` = 255 where unlabelled.

    Returns:
        A scalar; zero, with a gradient of zero, where nothing is labelled.
    """
    labelled = semantic != IGNORE
    total = F.cross_entropy(scores, (semantic - 1).where(labelled, IGNORE), ignore_index=IGNORE, reduction="sum")
    return total / labelled.sum().clamp(min=1)


def soft_cross_entropy(scores: Tensor, probabilities: Tensor) -> Tensor:
    """Mean cross-entropy against a teacher's probabilities (Hinton 2015), over the pixels that have them.

    Args:
        scores: (B, N, H, W).
        probabilities: (B, N, h, w), not coarser than the scores; all 0 where the teacher says nothing.

    Returns:
        A scalar; zero, with a gradient of zero, where there are none.
    """
    target = F.adaptive_avg_pool2d(probabilities, scores.shape[-2:])
    total = -(target * scores.log_softmax(1)).sum()
    return total / target.sum().clamp(min=1)
