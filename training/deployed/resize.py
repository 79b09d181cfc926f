"""Antialiased bilinear resize between fixed sizes, made of operations that every inference library computes alike.

Libraries differ in how they resize, and whether they do so antialiased. A product with a constant matrix they all do
alike; but where a picture is made smaller in a simple proportion nearly all of that matrix is zeros, and the rest
repeats.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_MOST_PHASES = 8
"""Of an axis; beyond, the convolution's weights are more than it spares."""
_EXACT = 1e-5
"""Most that a weight may be off; a step of a picture is 4e-3."""


def shrink(source: tuple[int, int], target: tuple[int, int]) -> nn.Module:
    """The fastest module that resizes (B, C, h, w) of size ``source`` to ``target``."""
    phases = [_phases(one, other) for one, other in zip(source, target, strict=True)]
    return StridedResize(*phases) if all(phases) else SeparableResize(source, target)


class SeparableResize(nn.Module):
    """Resize as products with two constant matrices."""

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        super().__init__()
        self.identity = source == target
        self.register_buffer("rows", resize_matrix(source[0], target[0]), persistent=False)
        self.register_buffer("columns", resize_matrix(source[1], target[1]).T.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) of the source size to the target size."""
        if self.identity:
            return x
        # The cheaper order: shrink before, enlarge after.
        return self.rows @ (x @ self.columns)


class Phases(NamedTuple):
    """How one axis is shrunk: every ``stride`` pixels give as many as ``kernel`` has rows, each by a row of it.

    Attributes:
        kernel: (phases, taps).
        stride: in pixels of the source.
        before, after: zeros around the source.
        correction: (target,) factor on each result, as weights that fall outside the picture are missing.
    """

    kernel: Tensor
    stride: int
    before: int
    after: int
    correction: Tensor


class StridedResize(nn.Module):
    """Resize as one strided convolution, with one output channel for each pixel of the block that a stride makes.

    480x640 to 192x256: a stride of 5 and 2x2 pixels a step. The same numbers as the products', without their zeros.
    """

    def __init__(self, rows: Phases, columns: Phases) -> None:
        super().__init__()
        self.stride = (rows.stride, columns.stride)
        self.padding = (columns.before, columns.after, rows.before, rows.after)
        self.block = (len(rows.kernel), len(columns.kernel))
        kernel = rows.kernel[:, None, :, None] * columns.kernel[None, :, None, :]
        self.register_buffer("kernel", kernel.flatten(0, 1)[:, None].contiguous(), persistent=False)
        self.register_buffer("correction", rows.correction[:, None] * columns.correction, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) of the source size to the target size."""
        batch, channels, height, width = x.shape
        alone = x.reshape(batch * channels, 1, height, width)
        blocks = F.conv2d(F.pad(alone, self.padding), self.kernel, stride=self.stride)
        size = self.correction.shape
        steps = [side // phases for side, phases in zip(size, self.block, strict=True)]
        pixels = blocks.reshape(batch * channels, *self.block, *steps).permute(0, 3, 1, 4, 2)
        return pixels.reshape(batch, channels, *size) * self.correction


def _phases(source: int, target: int) -> Phases | None:
    """How an axis of ``source`` pixels is shrunk to ``target``; None where a convolution does not, or not well."""
    steps = gcd(source, target)
    stride, phases = source // steps, target // steps
    if target >= source or phases > _MOST_PHASES or steps < 3:
        return None
    matrix = resize_matrix(source, target)
    middle = steps // 2
    block = matrix[middle * phases : (middle + 1) * phases]
    used = block.abs().sum(0).nonzero()[:, 0]
    first, last = int(used[0]), int(used[-1]) + 1
    before, after = middle * stride - first, last - (middle + 1) * stride
    if min(before, after) < 0:
        return None
    kernel = block[:, first:last]

    def convolved(rows: Tensor) -> Tensor:
        return (
            F.conv1d(F.pad(rows[:, None], (before, after)), kernel[:, None], stride=stride).transpose(1, 2).flatten(1)
        )

    correction = 1 / convolved(torch.ones(1, source))[0]
    if (convolved(torch.eye(source)) * correction - matrix.T).abs().max() > _EXACT:
        return None
    return Phases(kernel, stride, before, after, correction)


def resize_matrix(source: int, target: int) -> Tensor:
    """The (``target``, ``source``) matrix by which a bilinear, antialiased resize multiplies a column."""
    columns = torch.eye(source)[None, None]
    return F.interpolate(columns, size=(target, source), mode="bilinear", antialias=True, align_corners=False)[0, 0]
