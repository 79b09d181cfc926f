"""Files of a data set that make room for others, or are damaged: kept in a folder beside the data, never deleted."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path


def free_place(root: Path, aside: str, kind: str, name: str) -> Path:
    """Where a file ``name`` of the folder ``kind`` can be kept in ``root / aside``; its folder is made.

    A file that was set aside before keeps its name; the next gets a number.
    """
    folder = root / aside / kind
    folder.mkdir(parents=True, exist_ok=True)
    stem, suffix = os.path.splitext(name)
    numbers = itertools.chain([""], (f".{i}" for i in itertools.count(1)))
    places = (folder / f"{stem}{number}{suffix}" for number in numbers)
    return next(place for place in places if not os.path.lexists(place))


def keep_copy(root: Path, aside: str, path: Path) -> Path:
    """Keep what ``path`` holds in ``root / aside``, and leave ``path`` as it is; where it is kept."""
    place = free_place(root, aside, path.parent.name, path.name)
    try:
        os.link(path, place)
    except OSError:  # a file system without links
        shutil.copy2(path, place)
    return place
