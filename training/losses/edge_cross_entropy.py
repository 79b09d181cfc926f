"""Cross-entropy of edges."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def edge_cross_entropy(logits: Tensor, edges: Tensor) -> Tensor:
    """Mean binary cross-entropy over the pixels where it is known whether there is an edge.

    Edges are rare, and are not made to weigh more for it: the sigmoid is then the share of pixels that are edges, and
    a teacher's can be a label.

    Args:
        logits: (B, 1, H, W).
        edges: (B, H, W) probabilities 0..1, 0 or 1 where true; below 0 where unknown.

    Returns:
        A scalar; zero, with a gradient of zero, where nothing is known.
    """
    known = edges >= 0
    total = F.binary_cross_entropy_with_logits(logits[:, 0], edges.clamp(min=0), reduction="none") * known
    return total.sum() / known.sum().clamp(min=1)
