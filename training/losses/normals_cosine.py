"""How far predicted normals point elsewhere."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def normals_cosine(predicted: Tensor, normals: Tensor) -> Tensor:
    """Mean of 1 - cosine of the angle between predicted and true normals, over the pixels where these are known.

    Args:
        predicted: (B, 3, H, W) of any length but 0; enlarged unit vectors are shorter than 1.
        normals: (B, 3, H, W) unit vectors, all 0 where unknown.

    Returns:
        A scalar, 0 to 2; zero, with a gradient of zero, where none is known.
    """
    known = (normals != 0).any(1)
    cosine = (F.normalize(predicted, dim=1) * normals).sum(1)
    return ((1 - cosine) * known).sum() / known.sum().clamp(min=1)
