"""Mend a data set folder: what is damaged is set aside, and the index and ``dataset.json`` name what is there."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_index import INDEX_FOLDER, index_path, is_being_written, parse_run
from mtl_perception.dataset_lock import locked_dataset_json
from mtl_perception.dataset_tools.dataset_json import change_dataset_json
from mtl_perception.dataset_tools.index_line import index_line
from mtl_perception.dataset_tools.set_aside import free_place, keep_copy
from mtl_perception.dataset_tools.survey import Survey

QUARANTINE_FOLDER = "quarantine"
_ADOPTED = "adopted"


def repair(found: Survey) -> list[str]:
    """Mend what ``found`` tells. No file is deleted, and no run that a logger is writing is touched.

    Damaged files, and those that a power cut left over, go to ``quarantine/``, and so does each index as it was. An
    index is written anew with the frames that are there; whole frames that it lacked are adopted, with the time
    between their files and those of the frame before as that between the stamps.

    Returns:
        What was done, a line each.

    Raises:
        DatasetError, OSError: something cannot be written; what was done before stays.
    """
    done = []
    for kind, path in found.to_move:
        if kind == INDEX_FOLDER and is_being_written(path):
            continue
        place = free_place(found.root, QUARANTINE_FOLDER, kind, path.name.lstrip("."))
        try:
            os.replace(path, place)
        except FileNotFoundError:  # a logger dropped it meanwhile
            continue
        done.append(f"moved {path.relative_to(found.root)} to {place.relative_to(found.root)}")
    if found.dangling:
        with locked_dataset_json(found.root):
            old = free_place(found.root, QUARANTINE_FOLDER, "", "dataset.json")
            write_atomically(old, (found.root / "dataset.json").read_bytes())
            change_dataset_json(found.root, _lists_without(found))
        done.append(f"took {len(found.dangling)} names out of the lists of dataset.json")
    folder = DatasetFolder(found.root)
    for run in sorted({*found.runs, *found.not_indexed}):
        if _is_to_be_written(found, run):
            done.append(_write_index(found, folder, run))
    return done


def _lists_without(found: Survey) -> dict[str, Any]:
    data = json.loads((found.root / "dataset.json").read_text(encoding="utf-8"))
    gone = [(field, key, json.dumps(name)) for field, key, name in found.dangling]
    return {
        field: {
            key: [name for name in names if (field, key, json.dumps(name)) not in gone]
            for key, names in data[field].items()
        }
        for field in {field for field, _, _ in found.dangling}
    }


def _is_to_be_written(found: Survey, run: str) -> bool:
    if any(run in names for names in (found.missing, found.without_depth, found.foreign, found.not_indexed)):
        return True
    path, index = index_path(found.root, run), found.runs[run]
    return path.exists() and bool(index.problems or index.whole_bytes < path.stat().st_size)


def _write_index(found: Survey, folder: DatasetFolder, run: str) -> str:
    path = index_path(found.root, run)
    path.parent.mkdir(exist_ok=True)
    with _locked(path) as is_ours:
        if not is_ours:
            return f"left {path.relative_to(found.root)} alone: a logger is writing it"
        data = path.read_bytes()
        if data:
            keep_copy(found.root, QUARANTINE_FOLDER, path)
        index = parse_run(run, data)
        lines: list[Mapping[str, Any]] = [index.header or _header(run, data)]
        gone = {*found.missing[run], *found.foreign[run]}
        kept = {name: dict(entry) for name, entry in index.frames.items() if name not in gone}
        for name in found.without_depth[run]:
            kept[name].pop("valid_depth", None)
            kept[name]["depth_stamp"] = None
        adopted = [name for name in found.not_indexed[run] if name not in kept and folder.has("rgb", name)]
        for name in adopted:
            kept[name] = _adopted(folder, name, kept)
        lines += sorted(kept.values(), key=lambda entry: entry["name"]) if adopted else kept.values()
        lines += [{"dropped": name} for name in sorted(index.dropped)]
        text = "".join(map(index_line, lines))
        write_atomically(path, text.encode())
    return (
        f"wrote {path.relative_to(found.root)} anew: {len(kept)} frames, {len(gone)} taken out, {len(adopted)} adopted"
    )


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Keep loggers off the index file ``path``, which is made if there is none; False where one is writing it."""
    with open(path, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            # Another repair may have put a new file in its place, which a logger may hold.
            yield path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def _header(run: str, data: bytes) -> dict[str, Any]:
    """A first line for an index that has none, from what is left of it and from the run's name."""
    robot, _, _ = run.rpartition("-")[0].rpartition("-")
    header: dict[str, Any] = {"run": run, "robot": robot or run}
    try:
        first = json.loads(data.partition(b"\n")[0])
    except (ValueError, RecursionError):
        return header
    return {**first, "run": run} if isinstance(first, dict) and "run" in first else header


def _adopted(folder: DatasetFolder, name: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The line of a whole frame that the index lacked."""
    taken = folder.path("rgb", name).stat().st_mtime_ns
    before = max((other for other in entries if other < name and folder.has("rgb", other)), default=None)
    stamp = taken
    if before is not None:
        written = folder.path("rgb", before).stat().st_mtime_ns
        stamp = entries[before]["stamp"] + max(taken - written, 1)
    entry = {"name": name, "stamp": stamp, "depth_stamp": None, "reason": _ADOPTED}
    if folder.has("depth", name):
        try:
            entry["valid_depth"] = round(float(np.mean(folder.read_depth(name) > 0)), 4)
        except DatasetError:  # changed since the survey; it will be found the next time
            return entry
    return entry
