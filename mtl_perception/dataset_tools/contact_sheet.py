"""A picture of frames spread over a data set: colour, depth and labels side by side."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.model_card import SemanticClass
from mtl_perception.visualize import Palette, captioned, depth_in_color, viewing_range

_TILES = 12
_COLUMNS = 2
_WIDTH = 240
"""Pixels of one picture; a frame has up to three beside each other."""
_MISSING = 90
_GOLDEN_RATIO = 0.618033988749895


def write_contact_sheet(folder: DatasetFolder, path: Path) -> int:
    """Write a PNG of up to 12 frames, spread evenly, half of them with labels where there are labels.

    What a frame lacks and others have, or what is damaged, is grey. Depth has one scale of colours for all frames.

    Returns:
        How many frames are on it.

    Raises:
        DatasetError: there is no frame, or ``path`` is not named as a picture, or is among the data set's own.
        OSError: ``path`` cannot be written.
    """
    if path.suffix.lower() not in (".png", ".jpg"):
        raise DatasetError(f"a contact sheet is a picture named .png or .jpg, not {path.name}")
    if folder.root.resolve() in path.resolve().parents[1:]:
        raise DatasetError(f"{path} is among the data set's own files: put the contact sheet outside of its folders")
    names = _chosen(folder)
    if not names:
        raise DatasetError(f"{folder.root} has no frames to show")
    depths = [_or_none(folder.read_depth, folder, "depth", name) for name in names]
    nearest, farthest = viewing_range([depth for depth in depths if depth is not None] or [np.zeros((1, 1))])
    nearest = max(nearest, farthest / 20)
    classes = [SemanticClass(i, name, _color(n)) for n, (i, name) in enumerate(sorted(folder.info.classes.items()))]
    palette = Palette(classes)
    labels = [_or_none(folder.read_semantic, folder, "semantic", name) for name in names]
    has_depth, has_labels = (any(image is not None for image in images) for images in (depths, labels))
    tiles, shown = [], set()
    for name, depth, semantic in zip(names, depths, labels, strict=True):
        rgb = _or_none(folder.read_rgb, folder, "rgb", name)
        pictures = [_small(folder, rgb, cv2.INTER_AREA)]
        if has_depth:
            small = _small(folder, depth, cv2.INTER_NEAREST)
            pictures.append(small if depth is None else depth_in_color(small, nearest, farthest))
        if has_labels:
            small = _small(folder, semantic, cv2.INTER_NEAREST)
            pictures.append(small if semantic is None else palette.overlay(pictures[0], small, 0.6))
            shown |= set() if semantic is None else set(np.unique(semantic).tolist())
        tiles.append(captioned(np.hstack(pictures), name))
    blank = np.full_like(tiles[0], 255)
    columns = min(_COLUMNS, len(tiles))
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    scale = f"; depth: red {nearest:.1f} m to blue {farthest:.1f} m, black unknown" if has_depth else ""
    legend = palette.legend(sorted(shown), rows[0].shape[1])
    sheet = captioned(np.vstack([*rows, legend]), f"{folder.name}: {len(names)} of {len(folder.names())} frames{scale}")
    _, data = cv2.imencode(path.suffix, cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    write_atomically(path, data.tobytes())
    return len(names)


def _chosen(folder: DatasetFolder) -> list[str]:
    names = folder.names()
    chosen = _spread(names, _TILES)
    labelled = [name for name in names if folder.has("semantic", name)]
    if len(set(labelled).intersection(chosen)) >= min(_TILES // 2, len(labelled)):
        return chosen
    bare = sorted(set(names) - set(labelled))
    some = _spread(labelled, _TILES // 2)
    return sorted([*some, *_spread(bare, _TILES - len(some))])


def _spread(names: Sequence[str], count: int) -> list[str]:
    places = np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int)
    return [names[i] for i in places]


def _or_none(read, folder: DatasetFolder, kind: str, name: str) -> np.ndarray | None:
    try:
        return read(name) if folder.has(kind, name) else None
    except DatasetError:
        return None


def _small(folder: DatasetFolder, image: np.ndarray | None, interpolation: int) -> np.ndarray:
    size = (_WIDTH, max(1, round(folder.info.height * _WIDTH / folder.info.width)))
    if image is None:
        return np.full((size[1], size[0], 3), _MISSING, np.uint8)
    return cv2.resize(image, size, interpolation=interpolation)


def _color(number: int) -> tuple[int, int, int]:
    """The colour of the ``number``-th class: neighbours are far apart on the circle of hues."""
    value = (0.95, 0.75, 0.6)[number % 3]
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN_RATIO % 1, 0.6, value)
    return round(red * 255), round(green * 255), round(blue * 255)
