"""Mean absolute error of offsets to an object's centre."""

from __future__ import annotations

from torch import Tensor


def offset_l1(predicted: Tensor, offsets: Tensor) -> Tensor:
    """Mean of |dx| + |dy| of predicted less true offsets, over the pixels that show an object.

    Args:
        predicted: (B, 2, H, W) in widths of the working size.
        offsets: the same, NaN where there is no object.

    Returns:
        A scalar in widths; zero, with a gradient of zero, where there is no object.
    """
    known = offsets.isfinite().all(1, keepdim=True)
    error = (predicted - offsets.where(known, 0)).abs() * known
    return error.sum() / known.sum().clamp(min=1)
