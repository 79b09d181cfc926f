"""Take logged frames back: out of the index first, then from the disk, so that the index never names what is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.dataset_index import index_path
from mtl_perception.dataset_index_writer import IndexWriter
from mtl_perception.depth_logger.least_useful import is_asked_for

TEACHER_FOLDERS = (
    "pseudo_semantic",
    "confidence",
    "pseudo_depth",
    "depth_confidence",
    "soft_semantic",
    "pseudo_normals",
    "normals_confidence",
    "pseudo_edges",
    "pseudo_offsets",
    "offsets_confidence",
)
"""Where a teacher's labels lie, which can be made again."""
OWN_FOLDERS = ("rgb", "depth", "pose", *TEACHER_FOLDERS)
"""Folders whose files go with a frame, colour first. What lies elsewhere is somebody's work."""
_SUFFIXES = (".jpg", ".png", ".txt", ".npz")


class FrameDropper:
    """Drops frames of any run of the data set folder ``root``.

    Args:
        root: the data set folder.
        run: a run that this process writes.
        index: the index of that run.
    """

    def __init__(self, root: Path, run: str, index: IndexWriter) -> None:
        self._root = root
        self._run = run
        self._index = index
        # Kept open: to read a long index for each of its frames would take long.
        self._others: dict[str, IndexWriter | None] = {}

    def may_drop(self, run: str, name: str) -> bool:
        """Whether frame ``name`` of ``run`` is ours to drop: there, of no other logger at work, and not asked for."""
        if run == self._run:
            return True
        if run not in self._others:
            try:
                self._others[run] = IndexWriter(index_path(self._root, run))
            except DatasetError:
                self._others[run] = None
        index = self._others[run]
        return index is not None and name in index.index.frames and not is_asked_for(index.index.frames[name])

    def drop(self, run: str, name: str) -> int:
        """Drop frame ``name`` of ``run``, which may be dropped; the bytes freed.

        Raises:
            OSError: the disk refuses.
        """
        index = self._index if run == self._run else self._others[run]
        index.append([{"dropped": name}])
        return remove_files(self._root, name)

    def close(self) -> None:
        """Let others write the runs of which frames were dropped."""
        for index in self._others.values():
            if index:
                index.close()


def freeable_bytes(root: Path, name: str) -> int:
    """What the disk would get back for frame ``name``: nothing for files that other folders hold too (hard links)."""
    return sum(state.st_size for _, state in _files(root, name) if state.st_nlink == 1)


def remove_files(root: Path, name: str) -> int:
    """Remove the files of frame ``name``, colour first, so that no reader finds a frame by halves; the bytes freed."""
    freed = 0
    for path, state in _files(root, name):
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        freed += state.st_size
    return freed


def _files(root: Path, name: str) -> Iterator[tuple[Path, os.stat_result]]:
    for path in (root / folder / f"{name}{suffix}" for folder in OWN_FOLDERS for suffix in _SUFFIXES):
        with suppress(FileNotFoundError, NotADirectoryError):
            yield path, path.lstat()
