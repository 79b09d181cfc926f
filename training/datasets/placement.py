"""Where a frame lies in the picture that a network sees: padded, not squashed, as on the robot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mtl_perception.letterbox import PAD, Letterbox

TOLERANCE = 0.03
"""Share by which a frame's proportion may differ from the picture's and is filled into it all the same: a view is cut
out by whole pixels."""


@dataclass(frozen=True)
class Placement:
    """A frame, or a part of one, in the middle of a picture.

    Attributes:
        frame: height and width of the frame, pixels.
        picture: height and width of the picture, pixels.
        top, left, height, width: the frame's rectangle in the picture, pixels of that.
        scale: pixels of the picture per pixel of the frame, along a row.
    """

    frame: tuple[int, int]
    picture: tuple[int, int]
    top: int
    left: int
    height: int
    width: int
    scale: float

    @property
    def fills(self) -> bool:
        """Whether there are no bands."""
        return (self.height, self.width) == self.picture

    def pad(self, inner: np.ndarray, unknown: float) -> np.ndarray:
        """The picture of (height, width, ...), with ``unknown`` in its bands."""
        if self.fills:
            return inner
        rows, columns = self.picture[0] - self.height - self.top, self.picture[1] - self.width - self.left
        bands = [(self.top, rows), (self.left, columns)] + [(0, 0)] * (inner.ndim - 2)
        return np.pad(inner, bands, constant_values=unknown)

    def pad_rgb(self, inner: Tensor) -> Tensor:
        """The picture of (3, height, width) uint8, with the colour in its bands that the robot gives them."""
        if self.fills:
            return inner
        canvas = torch.tensor(PAD, dtype=torch.uint8).view(3, 1, 1).repeat(1, *self.picture)
        canvas[:, self.top : self.top + self.height, self.left : self.left + self.width] = inner
        return canvas

    def cut_out(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        """The frame's part of (B, C, h, w) maps that cover the picture, bilinearly brought to ``size``."""
        shift_y, shift_x = (
            (2 * begin + length) / whole - 1
            for begin, length, whole in zip((self.top, self.left), (self.height, self.width), self.picture, strict=True)
        )
        part = [
            [self.width / self.picture[1], 0, shift_x],
            [0, self.height / self.picture[0], shift_y],
        ]
        theta = maps.new_tensor(part).expand(len(maps), 2, 3)
        grid = F.affine_grid(theta, [len(maps), maps.shape[1], *size], align_corners=False)
        return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)


def place(frame: tuple[int, int], picture: tuple[int, int]) -> Placement:
    """Fit a frame of that height and width into a picture."""
    box = Letterbox(frame, picture)
    if abs(frame[1] / frame[0] * picture[0] / picture[1] - 1) <= TOLERANCE:
        return Placement(frame, picture, 0, 0, *picture, picture[1] / frame[1])
    height, width = box.inner
    return Placement(frame, picture, (picture[0] - height) // 2, (picture[1] - width) // 2, height, width, box.scale)
