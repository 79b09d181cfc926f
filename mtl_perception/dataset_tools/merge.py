"""Several data set folders as one: of several robots, several days, or recordings and rendered rooms."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetFolder, DatasetInfo
from mtl_perception.dataset_index import INDEX_FOLDER, RunIndex, index_path, index_paths, is_being_written, read_index
from mtl_perception.dataset_index_writer import sync_folder
from mtl_perception.dataset_tools.file_damage import SUFFIXES
from mtl_perception.dataset_tools.index_line import index_line
from mtl_perception.dataset_tools.join_info import RenamedFolder, joined_info

_PLAN = ".merge.json"
"""What an unfinished merge is of; it goes when ``dataset.json`` comes."""


def merge(roots: Sequence[Path], out: Path) -> DatasetInfo:
    """Make the data set folder ``out`` of those in ``roots``, which stay as they are.

    Files are hard links where the disk allows, else copies. Where frames or runs of a folder have names that are
    taken, all of its frames and runs get the folder's name before theirs. ``dataset.json`` comes last, so ``out``
    opens when it is whole; an interrupted merge goes on when called again.

    Returns:
        What ``dataset.json`` of ``out`` says.

    Raises:
        DatasetError: the folders contradict each other, one lacks frames that it names or is being written, or
            ``out`` holds something else.
        OSError: the disk refuses.
    """
    _check_places(roots, out)
    parts = _named_apart([DatasetFolder(root) for root in roots])
    _check_no_logger(roots)  # one that starts later writes what is no longer looked at
    info = joined_info(parts)
    _begin(out, [str(root.resolve()) for root in roots])
    files = {target: source for part in parts for source, target in _files(part)}
    for target, source in tqdm(files.items(), desc=f"merging into {out.name}", unit="file", disable=None):
        _place(source, out / target)
    for part in parts:
        for run, lines in _runs(part):
            write_atomically(index_path(out, run), "".join(map(index_line, lines)).encode())
    _finish(out, info, files.keys())
    return info


def _check_places(roots: Sequence[Path], out: Path) -> None:
    places = [root.resolve() for root in roots]
    if len(set(places)) < len(places):
        raise DatasetError("a folder is named twice")
    target = out.resolve()
    for root, place in zip(roots, places, strict=True):
        if target == place or place in target.parents or target in place.parents:
            raise DatasetError(f"{out} cannot lie within {root}, nor around it: choose another folder")


def _check_no_logger(roots: Sequence[Path]) -> None:
    for root in roots:
        for path in index_paths(root):
            if is_being_written(path):
                raise DatasetError(f"a logger is writing the run {path.stem} of {root}: stop it first")


def _named_apart(folders: Sequence[DatasetFolder]) -> list[RenamedFolder]:
    taken: set[str] = set()
    parts: list[RenamedFolder] = []
    for folder in folders:
        base = re.sub(r"[^A-Za-z0-9._-]", "-", folder.name).lstrip("._-") or "set"
        frames, runs = _content(folder)
        names = {*frames, *(run.run for run in runs)}
        label, number = base, 1
        while any(f"{label}-{name}" in taken for name in names) or label in {part.label for part in parts}:
            number += 1
            label = f"{base}-{number}"
        part = RenamedFolder(folder, label, "" if taken.isdisjoint(names) else f"{label}-", frames, runs)
        taken.update(map(part.renamed, names))
        parts.append(part)
    return parts


def _content(folder: DatasetFolder) -> tuple[list[str], list[RunIndex]]:
    """The folder's frames and runs; frames that were dropped and not removed yet are none."""
    names = folder.names()
    runs = read_index(folder.root)
    dropped = {name for run in runs for name in run.dropped}
    names = [name for name in names if name not in dropped]
    lists = [*folder.info.splits.values(), *folder.info.sequences.values()]
    missing = {name for listed in lists for name in listed} - set(names)
    if missing:
        raise DatasetError(
            f"{folder.root / 'dataset.json'} names frames that are not there, such as {min(missing)}: "
            f"mend it with `mtl-perception dataset check --repair {folder.root}`"
        )
    return names, runs


def _files(part: RenamedFolder) -> Iterator[tuple[Path, str]]:
    """Every file of the part's frames, and its path in the new folder; colour last, as a frame is there with it."""
    for kind in sorted(SUFFIXES, key=lambda kind: kind == "rgb"):
        there = {p.name for p in (part.folder.root / kind).glob("*")}
        for file in (f"{name}{suffix}" for name in part.frames for suffix in SUFFIXES[kind]):
            if file in there:
                yield part.folder.root / kind / file, f"{kind}/{part.renamed(file)}"


def _runs(part: RenamedFolder) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every run of the part under its new name, and the lines of its index."""
    frames = set(part.frames)
    for index in part.runs:
        run = part.renamed(index.run)
        lines = [{**line, "name": part.renamed(name)} for name, line in index.frames.items() if name in frames]
        yield run, [{**index.header, "run": run}, *lines]


def _begin(out: Path, sources: list[str]) -> None:
    """See that ``out`` is empty, or the beginning of this very merge."""
    plan = json.dumps(sources, indent=1).encode()
    if (out / "dataset.json").exists():
        raise DatasetError(f"{out} already holds a data set: choose another folder")
    if not (out / _PLAN).exists():
        if out.exists() and any(out.iterdir()):
            raise DatasetError(f"{out} is not empty: choose another folder")
        write_atomically(out / _PLAN, plan)
    elif (out / _PLAN).read_bytes() != plan:
        raise DatasetError(f"{out} holds the beginning of a merge of other folders: remove it or choose another one")


def _place(source: Path, target: Path) -> None:
    """Link or copy a file, unless it is there already."""
    if target.exists():
        old, new = target.stat(), source.stat()
        if os.path.samestat(old, new) or (old.st_size, old.st_mtime_ns) == (new.st_size, new.st_mtime_ns):
            return
    target.parent.mkdir(exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            os.link(source.resolve(), temporary)  # of a link itself the new folder would get one that leads nowhere
        except OSError:  # another disk, or a file system without links
            with open(source, "rb") as old_file, open(temporary, "wb") as new_file:
                shutil.copyfileobj(old_file, new_file)
                new_file.flush()
                os.fsync(new_file.fileno())
            shutil.copystat(source, temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _finish(out: Path, info: DatasetInfo, files: Sequence[str]) -> None:
    present = set()
    for kind in SUFFIXES:
        for path in (out / kind).glob("*"):
            if path.name.startswith("."):  # of a merge that was cut off
                path.unlink()
            elif path.exists():
                present.add(f"{kind}/{path.name}")
    if present != set(files):
        raise DatasetError(f"a folder changed during the merge: remove {out} and begin again")
    for folder in (*(out / kind for kind in SUFFIXES), out / INDEX_FOLDER):
        if folder.is_dir():
            sync_folder(folder)
    write_atomically(out / "dataset.json", info.to_json().encode())
    (out / _PLAN).unlink()
