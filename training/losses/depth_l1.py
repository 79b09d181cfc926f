"""Mean absolute error of depth."""

from __future__ import annotations

from torch import Tensor


def depth_l1(predicted: Tensor, depth: Tensor) -> Tensor:
    """Mean of |predicted - depth| over the pixels whose depth is known.

    Args:
        predicted: (B, 1, H, W) metres.
        depth: (B, H, W) metres, 0 = unknown.

    Returns:
        A scalar in metres; zero, with a gradient of zero, where no depth is known.
    """
    known = depth > 0
    error = (predicted[:, 0] - depth).abs() * known
    return error.sum() / known.sum().clamp(min=1)
