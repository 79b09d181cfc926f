"""What a data set folder holds, counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_index import RunIndex, index_path, is_being_written, read_index
from mtl_perception.dataset_tools.file_damage import SUFFIXES


@dataclass(frozen=True)
class RunSummary:
    """A run of the logger.

    Attributes:
        run: its name.
        frames, dropped: frames that it has, and that it gave up.
        first, last: stamps of the first and the last frame, ns; None where there is no frame.
        reasons: number of frames by why they were kept.
        is_being_written: whether a logger is at work on it.
    """

    run: str
    frames: int
    dropped: int
    first: int | None
    last: int | None
    reasons: Counter[str]
    is_being_written: bool


@dataclass(frozen=True)
class Summary:
    """What a folder holds.

    Attributes:
        frames: number of frames.
        kinds: number of frames by kind of file, ``"rgb"``, ``"depth"``, ...
        bytes: size on disk by folder, also those that are no part of the layout; files beside them under ``""``.
        splits, sequences: number of frames that they name, and of how many of these there is a picture.
        runs: the runs of its index.
        valid_depth: share of pixels with depth, of the frames that have depth, sorted; (N,) float64.
        class_shares: share of all labelled pixels by class id, the largest first.
        class_frames: number of frames that show a class, by class id.
        labelled: share of pixels with a class, of the frames that have labels.
        unreadable: names of frames of which a depth or label file is damaged, and was not counted.
    """

    frames: int
    kinds: dict[str, int]
    bytes: dict[str, int]
    splits: dict[str, tuple[int, int]]
    sequences: dict[str, tuple[int, int]]
    runs: tuple[RunSummary, ...]
    valid_depth: np.ndarray
    class_shares: dict[int, float]
    class_frames: dict[int, int]
    labelled: float
    unreadable: tuple[str, ...]


def summarise(folder: DatasetFolder) -> Summary:
    """Count what ``folder`` holds; every depth and label file is read.

    Raises:
        DatasetError: an index cannot be read.
    """
    names = folder.names()
    present = set(names)
    there = {kind: {p.stem for p in (folder.root / kind).glob("*")} for kind in SUFFIXES}
    kinds = {kind: len(present & found) for kind, found in there.items()}
    runs = [_run(folder, index) for index in read_index(folder.root)]
    coverage, pixels, shown, unreadable = [], np.zeros(256, np.int64), np.zeros(256, np.int64), []
    wanted = [name for name in names if name in there["depth"] or name in there["semantic"]]
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda name: _measure(folder, name), wanted)
        for name, (valid, counts, sound) in zip(
            wanted, tqdm(results, total=len(wanted), desc="counting", unit="frame", disable=None), strict=True
        ):
            coverage += [valid] if valid is not None else []
            pixels += counts
            shown += counts > 0
            unreadable += [] if sound else [name]
    labelled = int(pixels[1:].sum())
    order = [int(i) for i in np.argsort(-pixels[1:], kind="stable") + 1 if pixels[i]]
    return Summary(
        frames=len(names),
        kinds=kinds,
        bytes=_sizes(folder.root),
        splits={key: _present(listed, present) for key, listed in folder.info.splits.items()},
        sequences={key: _present(listed, present) for key, listed in folder.info.sequences.items()},
        runs=tuple(runs),
        valid_depth=np.sort(coverage),
        class_shares={i: float(pixels[i] / labelled) for i in order},
        class_frames={i: int(shown[i]) for i in order},
        labelled=float(labelled / pixels.sum()) if pixels.sum() else 0.0,
        unreadable=tuple(unreadable),
    )


def _run(folder: DatasetFolder, index: RunIndex) -> RunSummary:
    stamps = [entry["stamp"] for entry in index.frames.values()]
    return RunSummary(
        index.run,
        len(index.frames),
        len(index.dropped),
        min(stamps, default=None),
        max(stamps, default=None),
        Counter(str(entry.get("reason", "?")) for entry in index.frames.values()),
        is_being_written(index_path(folder.root, index.run)),
    )


def _measure(folder: DatasetFolder, name: str) -> tuple[float | None, np.ndarray, bool]:
    """Share of valid depth, pixels by class id, and whether all could be read, of one frame."""
    valid, counts, sound = None, np.zeros(256, np.int64), True
    try:
        if folder.has("depth", name):
            valid = float(np.mean(folder.read_depth(name) > 0))
    except DatasetError:
        sound = False
    try:
        if folder.has("semantic", name):
            counts = np.bincount(folder.read_semantic(name).ravel(), minlength=256)
    except DatasetError:
        sound = False
    return valid, counts, sound


def _present(listed: Sequence[str], present: set[str]) -> tuple[int, int]:
    return len(listed), sum(name in present for name in listed)


def _sizes(root: Path) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for place, _, files in os.walk(root):
        parts = Path(place).relative_to(root).parts
        for file in files:
            try:
                sizes[parts[0] if parts else ""] += os.lstat(os.path.join(place, file)).st_size
            except FileNotFoundError:  # a logger is at work
                continue
    return dict(sizes)
