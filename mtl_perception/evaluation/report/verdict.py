"""What the figures say, in the words of somebody who has ten seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.class_tile import class_tile
from mtl_perception.evaluation.report.depth_tile import depth_tile
from mtl_perception.evaluation.report.pace_tiles import NETWORK_RATE, live_tile, speed_tile
from mtl_perception.evaluation.report.tile import Tile


def verdict(model: Mapping[str, Any], bag: Mapping[str, Any]) -> list[Tile]:
    """The tiles of a model: depth, classes, speed, and, where it was played live, that."""
    tiles = [depth_tile(model), class_tile(model), speed_tile(model, bag), live_tile(model)]
    return [tile for tile in tiles if tile]


def comparison(models: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Which model is best at what, and by how much, pairs to read; none where there is nothing to compare."""
    lines = []
    for path, words, sign, write in (
        (("depth", "abs_rel"), "Least depth error", 1, fmt.percent),
        (("segmentation", "miou_present"), "Best mIoU", -1, fmt.percent),
        (NETWORK_RATE, "Most frames a second", -1, fmt.rate),
    ):
        known = [(sign * v, fmt.text(m, "name"), write(v)) for m in models if (v := fmt.figure(m, *path)) is not None]
        if len({text for _, _, text in known}) > 1:
            (_, best, figure), *others = sorted(known)
            lines.append((words, f"{best}, {figure} ({', '.join(f'{name} {text}' for _, name, text in others)})"))
    return lines


def coverage(bag: Mapping[str, Any]) -> str:
    """How much was looked at, and how much of it with a truth, one sentence."""
    frames = fmt.figure(bag, "frames")
    if frames is None:
        return ""
    seconds = fmt.figure(bag, "seconds")
    text = fmt.counted(frames, "frame") + (f" in {seconds:,.1f}\N{NO-BREAK SPACE}s" if seconds else "")
    truths = []
    for key, name in (("with_depth", "measured depth"), ("with_labels", "labels")):
        count = fmt.figure(bag, key) or 0
        truths.append(f"{'all' if count == frames and count else fmt.count(count) if count else 'none'} with {name}")
    return f"{text}: {', '.join(truths)}."
