"""Frames that may not be given up, whatever they show: those that people have used or worked on."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import INDEX_FOLDER
from mtl_perception.depth_logger.frame_drop import OWN_FOLDERS, TEACHER_FOLDERS

_COARSE = 2 * 10**9
"""Nanoseconds that file systems may count in: of two changes within them the second may leave no trace."""
_UNSETTLED = -1


@dataclass(frozen=True)
class _Listing:
    """A folder as it was at ``changed`` (ns): what its entries may be of by their names, and the folders in it."""

    changed: int
    names: frozenset[str]
    folders: tuple[str, ...]


class ProtectedFrames:
    """Frames of a split or a sequence, and those with a file of their name where neither logger nor teacher writes.

    As of the latest ``refresh``, which reads anew only what has changed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read_at: tuple[int, ...] = ()
        self._listed: frozenset[str] = frozenset()
        self._listings: dict[str, _Listing] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._listed or any(name in listing.names for listing in self._listings.values())

    def refresh(self) -> None:
        """See what people have done meanwhile.

        Raises:
            DatasetError: ``dataset.json`` is damaged.
            OSError: a folder cannot be read.
        """
        state = os.stat(self._root / "dataset.json")
        read_at = (state.st_mtime_ns, state.st_size, state.st_ino)
        if read_at != self._read_at:
            info = DatasetFolder(self._root).info
            lists = (*info.splits.values(), *info.sequences.values())
            self._listed = frozenset(name for names in lists for name in names)
            self._read_at = read_at
        listings: dict[str, _Listing] = {}
        waiting = [str(self._root)]
        while waiting:
            folder = waiting.pop()
            try:
                changed = os.stat(folder).st_mtime_ns  # also when a file comes or goes
                known = self._listings.get(folder)
                if known is None or known.changed != changed:
                    known = self._list(folder, changed)
            except FileNotFoundError:  # just removed
                continue
            listings[folder] = known
            waiting += known.folders
        self._listings = listings

    def _list(self, folder: str, changed: int) -> _Listing:
        is_root = folder == str(self._root)
        passed_over = (*OWN_FOLDERS, INDEX_FOLDER) if is_root else TEACHER_FOLDERS
        names: set[str] = set()
        folders = []
        with os.scandir(folder) as entries:
            for entry in entries:
                # A link within a folder may lead round in a circle.
                if not entry.is_dir(follow_symlinks=is_root):
                    parts = entry.name.split(".")  # names may hold points themselves
                    names.update(".".join(parts[:i]) for i in range(1, len(parts) + 1))
                elif entry.name not in passed_over:
                    names.add(entry.name)
                    folders.append(entry.path)
        is_settled = time.time_ns() - changed > _COARSE
        return _Listing(changed if is_settled else _UNSETTLED, frozenset(names), tuple(folders))
