"""Everything that is wrong with a data set folder, found without changing it.

Two kinds of findings. Damage: something that a reader would stumble over or be misled by. Left over: what a power
cut leaves behind and no reader minds: files of frames that were not finished or not yet removed, a torn last line of
an index, whole frames that it was not told of any more.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mtl_perception.dataset_folder import DatasetInfo
from mtl_perception.dataset_index import INDEX_FOLDER, RunIndex, index_paths, is_being_written, read_run
from mtl_perception.dataset_tools.dataset_json import LISTS, is_name, read_dataset_json
from mtl_perception.dataset_tools.file_damage import SUFFIXES, damage_of

_RUN_NAME = re.compile(r"(.+-\d{8}T\d{6}-[0-9a-f]{4})-\d{6,}")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: ``where``, a path within the folder, and ``what`` is wrong with it."""

    where: str
    what: str
    is_damage: bool


@dataclass
class Survey:
    """What a folder is like.

    Attributes:
        root: the folder.
        info: what ``dataset.json`` says.
        findings: what is wrong.
        to_move: the files that are to blame, kind and path.
        runs: the index by run.
        busy: runs that a logger is writing; nothing of theirs was looked at.
        frames: names of the frames that are whole.
        missing: by run, the frames of its index that are not there.
        without_depth: by run, the frames of its index that had depth, and have it no more.
        not_indexed: by run, whole frames that its index does not have.
        foreign: by run, frames of its index that are of another run.
        dangling: frame names of ``dataset.json`` that are no frames, with the field and the list they are in.
    """

    root: Path
    info: DatasetInfo
    findings: list[Finding] = field(default_factory=list)
    to_move: list[tuple[str, Path]] = field(default_factory=list)
    runs: dict[str, RunIndex] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    frames: set[str] = field(default_factory=set)
    missing: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    without_depth: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    not_indexed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    foreign: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    dangling: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def is_damaged(self) -> bool:
        """Whether anything would make a reader stumble."""
        return any(finding.is_damage for finding in self.findings)

    def add(self, where: str, what: str, *, damage: bool = True) -> None:
        """Note a finding."""
        self.findings.append(Finding(where, what, damage))

    def run_of(self, name: str) -> str | None:
        """The run that the frame ``name`` is of by its name; None where it is of none."""
        match = _RUN_NAME.fullmatch(name)
        if match:
            return match[1]
        stem = name.rpartition("-")[0]
        return stem if stem in self.runs else None

    def is_busy(self, name: str) -> bool:
        """Whether a frame or file of this name is of a run that a logger is writing."""
        return any(name.lstrip(".").startswith(run) for run in self.busy)


def survey(root: Path) -> Survey:
    """Look at every file and every line of the data set folder ``root``.

    Raises:
        DatasetError: it is no data set folder, or an index cannot be read.
    """
    info, wrong_names = read_dataset_json(root)
    found = Survey(root, info)
    # Files before the index: a logger that starts meanwhile has its index when its first file is seen.
    files = {kind: sorted((root / kind).iterdir()) if (root / kind).is_dir() else [] for kind in SUFFIXES}
    for path in index_paths(root):
        if not is_name(path.stem):
            _blame(found, INDEX_FOLDER, path, "its name cannot name a run")
        elif is_being_written(path):
            found.busy.add(path.stem)
        else:
            found.runs[path.stem] = read_run(path)
    sound = _look_at_files(found, files)
    _look_at_index(found, sound)
    _look_at_dataset_json(found, wrong_names)
    return found


def _look_at_files(found: Survey, files: Mapping[str, Sequence[Path]]) -> dict[str, set[str]]:
    """Names of the frames whose file of each kind is sound."""
    visible, hidden = [], []
    for kind, paths in files.items():
        for path in paths:
            if not found.is_busy(path.name) and not path.is_dir():
                (hidden if path.name.startswith(".") else visible).append((kind, path))
    index_files = (found.root / INDEX_FOLDER).glob(".*")
    hidden += [(INDEX_FOLDER, path) for path in sorted(index_files) if not found.is_busy(path.name)]
    hidden += [("", path) for path in sorted(found.root.glob(".dataset.json.*.part"))]
    for kind, path in hidden:
        if path.name.endswith(".part"):
            _blame(found, kind, path, "was not finished", damage=False)
    sound: dict[str, set[str]] = {kind: set() for kind in SUFFIXES}
    with ThreadPoolExecutor() as pool:
        damages = pool.map(lambda file: damage_of(*file, found.info), visible)
        progress = tqdm(damages, total=len(visible), desc="checking files", unit="file", disable=None)
        for (kind, path), damage in zip(visible, progress, strict=True):
            if damage is None:
                sound[kind].add(path.stem)
            elif path.exists() or path.is_symlink():  # a logger drops what it has no room for
                _blame(found, kind, path, damage)
    dropped = {name for index in found.runs.values() for name in index.dropped}
    found.frames = sound["rgb"] - dropped
    for kind, path in visible:
        if path.stem not in sound[kind] or path.stem in found.frames:
            continue
        what = "is of a frame that was dropped" if path.stem in dropped else "is of a frame without a sound picture"
        _blame(found, kind, path, what, damage=False)
    return sound


def _look_at_index(found: Survey, sound: Mapping[str, set[str]]) -> None:
    seen: dict[str, str] = {}
    for run, index in found.runs.items():
        where = f"{INDEX_FOLDER}/{run}.jsonl"
        for problem in index.problems:
            found.add(where, problem)
        if index.whole_bytes < (found.root / where).stat().st_size:
            found.add(where, "its last line is torn", damage=False)
        for name, entry in index.frames.items():
            owner = found.run_of(name)
            if owner == run or owner not in (*found.runs, *found.busy):
                owner = seen.get(name)
            if owner is not None:
                found.foreign[run].append(name)
                found.add(where, f"frame {name} is of the run {owner}")
                continue
            seen[name] = run
            if name not in found.frames:
                found.missing[run].append(name)
                found.add(where, f"frame {name} is not there, or damaged")
            elif had_depth(entry) and name not in sound["depth"]:
                found.without_depth[run].append(name)
                found.add(where, f"frame {name} has no sound depth, which the index tells of")
    for name in sorted(found.frames - seen.keys()):
        run = found.run_of(name)
        if run is not None and not found.is_busy(name):
            found.not_indexed[run].append(name)
            found.add(f"{INDEX_FOLDER}/{run}.jsonl", f"it lacks frame {name}, which is whole", damage=False)
    for run, index in found.runs.items():
        if index.header or index.frames or index.dropped or found.not_indexed.get(run):
            continue
        _blame(found, INDEX_FOLDER, found.root / INDEX_FOLDER / f"{run}.jsonl", "is of a run never begun", damage=False)


def had_depth(entry: Mapping[str, Any]) -> bool:
    """Whether the index's line of a frame tells of depth."""
    return entry.get("depth_stamp") is not None or "valid_depth" in entry


def _look_at_dataset_json(found: Survey, wrong: Sequence[tuple[str, str, Any]]) -> None:
    for name in LISTS:
        for key, names in getattr(found.info, name).items():
            gone = (frame for frame in names if frame not in found.frames and not found.is_busy(frame))
            found.dangling += [(name, key, frame) for frame in gone]
    for name, key, frame in found.dangling:
        found.add("dataset.json", f"{name} {key!r} names frame {frame}, which is not there, or damaged")
    for name, key, frame in wrong:
        found.add("dataset.json", f"{name} {key!r} names {str(frame)[:100]!r}, which cannot name a frame")
    found.dangling += wrong


def _blame(found: Survey, kind: str, path: Path, what: str, *, damage: bool = True) -> None:
    found.to_move.append((kind, path))
    found.add(path.relative_to(found.root).as_posix(), what, damage=damage)
