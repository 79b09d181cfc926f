"""Take logged frames back: out of the index first, then from the disk, so that the index never names what is gone."""

from __future__ import annotations

from pathlib import Path

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.dataset_index import INDEX_FOLDER, index_path
from mtl_perception.dataset_index_writer import IndexWriter

_SUFFIXES = (".jpg", ".png", ".txt")


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

    def drop(self, run: str, name: str) -> int | None:
        """Drop frame ``name`` of ``run``; the bytes freed, or None where it is not ours to drop or gone already.

        Raises:
            OSError: the disk refuses.
        """
        if run == self._run:
            index = self._index
        else:
            index = self._other(run)
            if index is None or name not in index.index.frames:
                return None
        index.append([{"dropped": name}])
        return remove_files(self._root, name)

    def close(self) -> None:
        """Let others write the runs of which frames were dropped."""
        for index in self._others.values():
            if index:
                index.close()

    def _other(self, run: str) -> IndexWriter | None:
        """The index of a run of another time, or None while another logger writes it."""
        if run not in self._others:
            try:
                self._others[run] = IndexWriter(index_path(self._root, run))
            except DatasetError:
                self._others[run] = None
        return self._others[run]


def remove_files(root: Path, name: str) -> int:
    """Remove every file of frame ``name``, colour first, so that no reader finds a frame by halves; the bytes freed."""
    folders = sorted(
        (p for p in root.iterdir() if p.is_dir() and p.name != INDEX_FOLDER), key=lambda p: (p.name != "rgb", p.name)
    )
    freed = 0
    for path in (folder / f"{name}{suffix}" for folder in folders for suffix in _SUFFIXES):
        try:
            size = path.lstat().st_size
            path.unlink()
        except FileNotFoundError:
            continue
        freed += size
    return freed
