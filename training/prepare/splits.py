"""Smaller splits drawn from the official ones, always the same.

The paper (Erkent, Experiments) tells how many frames it used and not which. Here a frame's rank is the SHA-256 of
``SEED/NAME``, and the frames of lowest rank are drawn: the same ones on every machine and with every version of
every library, and those of a smaller draw are among those of a larger one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

SEED = "mtl_perception-splits-0"


def draw(names: Sequence[str], count: int) -> list[str]:
    """The ``count`` of ``names`` of lowest rank, in the order of ``names``."""
    chosen = set(sorted(names, key=_rank)[:count])
    return [name for name in names if name in chosen]


def with_drawn(official: Mapping[str, Sequence[str]], drawn: Mapping[str, tuple[str, int]]) -> dict[str, list[str]]:
    """The official splits and those drawn from them.

    Args:
        official: split to its frames.
        drawn: name of a new split to the official one that it is part of and its number of frames; one that wants
            more frames than there are is left out.
    """
    splits = {split: list(names) for split, names in official.items()}
    for name, (source, count) in drawn.items():
        if count <= len(official[source]):
            splits[name] = draw(official[source], count)
    return splits


def incomplete(splits: Mapping[str, Sequence[str]], sizes: Mapping[str, int]) -> str | None:
    """Say which splits are not of their official ``sizes``, or None when all are."""
    wrong = [
        f"{split} has {len(splits.get(split, ()))} frames, not {size}"
        for split, size in sizes.items()
        if len(splits.get(split, ())) != size
    ]
    return "; ".join(wrong) or None


def _rank(name: str) -> str:
    return hashlib.sha256(f"{SEED}/{name}".encode()).hexdigest()
