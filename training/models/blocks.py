"""The convolution blocks the heads are built from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_norm(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """A convolution that keeps the size, and batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class BasicBlock(nn.Module):
    """Residual block of two 3x3 convolutions (He 2016); (B, ``inputs``, H, W) to (B, ``outputs``, H, W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = conv_norm(inputs, outputs, 3)
        self.second = conv_norm(outputs, outputs, 3)
        self.shortcut = conv_norm(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's features."""
        y = F.relu(self.first(x), inplace=True)
        return F.relu(self.second(y) + self.shortcut(x), inplace=True)


class SqueezeExcitation(nn.Module):
    """Channel attention (Hu 2018): each channel weighed by a sigmoid of the pooled features."""

    REDUCTION = 16

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // self.REDUCTION, 4)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        pooled = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.excite(F.relu(self.squeeze(pooled))))


def resize_to(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of (B, C, h, w) to ``size``, pixel corners aligned with corners of the image."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def nearest_to(label: Tensor, size: tuple[int, int]) -> Tensor:
    """The label map (B, h, w) or (B, C, h, w), of any type, sampled at the centres of ``size`` equal cells."""
    rows = ((torch.arange(size[0], device=label.device) + 0.5) * label.shape[-2] / size[0]).long()
    columns = ((torch.arange(size[1], device=label.device) + 0.5) * label.shape[-1] / size[1]).long()
    # Columns first, while there are few rows; by one index at a time, which a network file holds as one step each.
    return label.index_select(-1, columns).index_select(-2, rows)
