"""Mixed frames: a rectangle of one frame laid over another of the batch, labels with it (CutMix, Yun et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from training.datasets.sample import Sample, collate

_CELL = 4
"""Pixels a rectangle's corners are multiples of, as a teacher's probabilities have a quarter of the working size."""
_SMALLEST, _LARGEST = 0.25, 0.75
"""Sides of the rectangle, as shares of the frame's."""


class CutMix:
    """Collates samples to a batch and mixes some of its frames.

    Classes and depth stay true where they are: a pixel keeps its labels, whichever frame it is seen in.

    Args:
        share: of the frames that get a rectangle of the frame after them in the batch.
    """

    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """A batch of unmixed and mixed frames."""
        batch = collate(samples)
        chosen = torch.rand(len(samples)) < self.share
        boxes = [rectangle(*batch["image"].shape[-2:]) if c else None for c in chosen.tolist()]
        return {key: _paste(key, batch, boxes) for key in batch}


def rectangle(height: int, width: int) -> tuple[int, int, int, int]:
    """A random rectangle of the frame: top, left, bottom, right in pixels."""
    (top, bottom), (left, right) = _interval(height), _interval(width)
    return top, left, bottom, right


def _interval(length: int) -> tuple[int, int]:
    cells = length // _CELL
    side = round(cells * float(torch.empty(()).uniform_(_SMALLEST, _LARGEST)))
    begin = int(torch.randint(0, cells - side + 1, ()))
    return begin * _CELL, (begin + side) * _CELL


def _paste(key: str, batch: Mapping[str, Tensor], boxes: Sequence[tuple[int, int, int, int] | None]) -> Tensor:
    maps = batch[key]
    times = batch["image"].shape[-1] // maps.shape[-1]
    mixed = maps.clone()
    for i, box in enumerate(boxes):
        if box is not None:
            top, left, bottom, right = (side // times for side in box)
            mixed[i, ..., top:bottom, left:right] = maps[(i + 1) % len(maps), ..., top:bottom, left:right]
    return mixed
