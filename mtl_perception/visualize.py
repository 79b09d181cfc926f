"""Pictures of what the network says: depth in colour, classes over the image, strips to look at."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mtl_perception.model_card import SemanticClass

_CAPTION_HEIGHT = 22


def depth_in_color(depth: np.ndarray, nearest: float, farthest: float) -> np.ndarray:
    """Depth as colours, near red to far blue, black where it is not finite.

    Args:
        depth: (H, W) float metres.
        nearest, farthest: metres at the two ends of the colours, positive.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    known = np.isfinite(depth) & (depth > 0)
    # In the inverse of depth, near things, where depth is surest, get most of the colours.
    inverse = 1 / np.clip(np.where(known, depth, farthest), nearest, farthest)
    level = (inverse - 1 / farthest) / (1 / nearest - 1 / farthest)
    colors = cv2.cvtColor(cv2.applyColorMap((level * 255).astype(np.uint8), cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    colors[~known] = 0
    return colors


class Palette:
    """Colours of class ids; ids that no class has are black."""

    def __init__(self, classes: Sequence[SemanticClass]) -> None:
        self._table = np.zeros((256, 3), np.uint8)
        self._names = {c.id: c.name for c in classes}
        for c in classes:
            self._table[c.id] = c.color

    def colors(self, segmentation: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 RGB of (H, W) uint8 class ids."""
        return self._table[segmentation]

    def overlay(self, rgb: np.ndarray, segmentation: np.ndarray, opacity: float) -> np.ndarray:
        """``rgb`` (H, W, 3) uint8 under the colours of ``segmentation`` (H, W); bare where no class is."""
        mixed = cv2.addWeighted(np.ascontiguousarray(rgb), 1 - opacity, self.colors(segmentation), opacity, 0)
        bare = ~np.isin(segmentation, list(self._names))
        mixed[bare] = rgb[bare]
        return mixed

    def legend(self, ids: Sequence[int], width: int) -> np.ndarray:
        """A strip ``width`` pixels wide that names the classes ``ids``, (H, W, 3) uint8 RGB."""
        entries = [(i, self._names[i]) for i in ids if i in self._names]
        columns = max(1, width // 150)
        rows = -(-len(entries) // columns)
        strip = np.full((rows * _CAPTION_HEIGHT + 4, width, 3), 255, np.uint8)
        for n, (i, name) in enumerate(entries):
            x, y = n % columns * 150 + 6, n // columns * _CAPTION_HEIGHT + 4
            cv2.rectangle(strip, (x, y), (x + 16, y + 15), self._table[i].tolist(), cv2.FILLED)
            cv2.putText(strip, name, (x + 22, y + 13), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
        return strip


def captioned(image: np.ndarray, caption: str) -> np.ndarray:
    """``image`` (H, W, 3) uint8 RGB with a line of text above it."""
    bar = np.full((_CAPTION_HEIGHT, image.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, caption, (6, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([bar, image])


def viewing_range(depths: Sequence[np.ndarray]) -> tuple[float, float]:
    """Metres between which all but the nearest and farthest hundredth of ``depths`` (each (H, W), metres) lie."""
    return range_of([known_depth(depth) for depth in depths])


def known_depth(depth: np.ndarray) -> np.ndarray:
    """The known metres, one-dimensional, of every 16th pixel of ``depth`` (H, W): enough to tell its range."""
    sparse = depth[::4, ::4]
    return sparse[np.isfinite(sparse) & (sparse > 0)]


def range_of(known: Sequence[np.ndarray]) -> tuple[float, float]:
    """As ``viewing_range``, of what ``known_depth`` gives of each."""
    metres = np.concatenate(known)
    if not metres.size:
        return 0.5, 10.0
    nearest, farthest = np.percentile(metres, (1, 99))
    return float(nearest), float(max(farthest, nearest * 1.1))


def side_by_side(
    rgb: np.ndarray, depth: np.ndarray, segmentation: np.ndarray, palette: Palette, depth_range: tuple[float, float]
) -> np.ndarray:
    """Image, depth and classes in one row, captioned, (H', 3 W, 3) uint8 RGB; ``depth_range`` in metres."""
    nearest, farthest = depth_range
    # Down to zero, the inverse would leave most colours to what is hardly ever seen.
    nearest = max(nearest, farthest / 20)
    return np.hstack(
        [
            captioned(rgb, "camera"),
            captioned(depth_in_color(depth, nearest, farthest), f"depth: red {nearest:.1f} m to blue {farthest:.1f} m"),
            captioned(palette.overlay(rgb, segmentation, 0.6), "classes"),
        ]
    )
