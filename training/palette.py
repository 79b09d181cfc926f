"""Colours for classes: fixed, and as unlike each other as so many can be."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

from mtl_perception.model_card import SemanticClass

_GOLDEN_RATIO = 0.618033988749895


def class_colors(count: int) -> list[tuple[int, int, int]]:
    """RGB colours 0..255 of ``count`` classes; the first stay the same whatever the count.

    Hues step by the golden ratio, so that neighbours in the list are far apart on the circle; lightness
    and saturation alternate for the rest of the difference.
    """
    levels = ((0.95, 0.55), (0.75, 0.75), (0.60, 0.45))
    colors = []
    for i in range(count):
        value, saturation = levels[i % len(levels)]
        rgb = colorsys.hsv_to_rgb(i * _GOLDEN_RATIO % 1, saturation, value)
        colors.append((round(rgb[0] * 255), round(rgb[1] * 255), round(rgb[2] * 255)))
    return colors


def semantic_classes(classes: Mapping[int, str]) -> list[SemanticClass]:
    """Classes by id, 1 and more, each in the colour of its id; ``classes`` is id to name, in any order."""
    colors = class_colors(max(classes))
    return [SemanticClass(i, classes[i], colors[i - 1]) for i in sorted(classes)]
