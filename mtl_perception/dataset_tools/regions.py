"""Regions of a picture as labelling tools write them: polygons and run lengths, as masks; and painted in one map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

_FARTHEST = 1e6
"""Pixels; no point of a polygon can be farther out."""


def polygon_mask(points: Any, height: int, width: int) -> np.ndarray:
    """The pixels whose centre lies within a polygon, by the even-odd rule.

    Args:
        points: x0, y0, x1, y1, ... in pixels; the picture's corner is (0, 0), its first pixel's centre (0.5, 0.5).
        height, width: of the picture.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: they are not at least three points, or not finite numbers near the picture.
    """
    try:
        corners = np.array(points, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("a polygon is a list of numbers") from error
    if corners.ndim != 1 or corners.size < 6 or corners.size % 2:
        raise ValueError("a polygon is a list of at least three x and y")
    if not (np.abs(corners) < _FARTHEST).all():
        raise ValueError("a point of a polygon is not finite, or far outside of the picture")
    x, y = corners[::2], corners[1::2]
    crossings = np.zeros((height, width + 1), np.uint8)
    for x0, y0, x1, y1 in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
        # Each edge owns its upper end and not its lower one, so that a corner counts once.
        first, last = np.clip(np.ceil(np.array(sorted((y0, y1))) - 0.5), 0, height).astype(int)
        rows = np.arange(first, last)
        if rows.size:
            at = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            crossings[rows, np.clip(np.ceil(at - 0.5), 0, width).astype(int)] ^= 1
    return np.bitwise_xor.accumulate(crossings[:, :width], axis=1).astype(bool)


def run_length_mask(counts: Any, height: int, width: int) -> np.ndarray:
    """The mask that COCO's run lengths tell.

    They go down the columns, and begin with a run outside of the region.

    Args:
        counts: the lengths, or COCO's compressed text of them.
        height, width: of the picture.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: they make no sense, or are of a picture of another size.
    """
    if isinstance(counts, str):
        counts = _uncompressed(counts)
    if not isinstance(counts, list) or not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("run lengths are whole numbers, or COCO's text of them")
    if sum(counts) != height * width:
        raise ValueError(f"run lengths tell of {sum(counts)} pixels, the picture has {height * width}")
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(width, height).T


def _uncompressed(text: str) -> list[int]:
    """Run lengths of COCO's text: groups of five bits, lowest first; from the fourth on, less the one but last."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError("the text of run lengths is damaged")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the text of run lengths breaks off")
    return counts


def painted(regions: Iterable[tuple[int, np.ndarray]], height: int, width: int) -> np.ndarray:
    """One map of regions that may overlap: the smaller lies on the larger, as things lie on walls and floors.

    Args:
        regions: value and mask, (H, W) bool, of each.
        height, width: of the picture.

    Returns:
        (H, W) uint16, 0 where no region is.
    """
    canvas = np.zeros((height, width), np.uint16)
    for value, mask in sorted(regions, key=lambda region: -int(region[1].sum())):
        canvas[mask] = value
    return canvas
