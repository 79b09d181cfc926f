"""Writing the index whose lines ``dataset_index`` tells: one file a run, one writer a file, no line by halves."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.dataset_index import index_path, parse_run

_ATTEMPTS = 10


class IndexWriter:
    """Append lines to the index file of one run, alone: it is locked until ``close``.

    A torn last line that a power cut may have left is cut off. A line is on the disk when ``append`` returns; when it
    raises, the file ends where it did before.

    Raises:
        DatasetError: there is no such file, or another process is writing it.
        OSError: the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open_locked(path)
        while not self.is_in_place():  # a repair wrote it anew while we waited for the lock
            os.close(self._file)
            self._file = _open_locked(path)
        self.index = parse_run(path.stem, path.read_bytes())
        """What the file held when it was opened."""
        self._end = self.index.whole_bytes
        os.ftruncate(self._file, self._end)

    @classmethod
    def create(cls, root: str | os.PathLike[str], header: Mapping[str, Any]) -> IndexWriter:
        """Begin the index of the run that ``header["run"]`` names, in the data set folder ``root``.

        Raises:
            FileExistsError: there is such a run.
            DatasetError: the name cannot name a run.
            OSError: the disk refuses; no file is left.
        """
        path = index_path(root, header["run"])
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        writer = cls(path)
        try:
            writer.append([header])
            sync_folder(path.parent)
        except OSError:
            path.unlink(missing_ok=True)
            writer.close()
            raise
        return writer

    def append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Add ``lines`` in order, and return when they are on the disk.

        Raises:
            OSError: the disk refuses; none of the lines is there.
        """
        text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
        data = memoryview(text.encode())
        end = self._end + len(data)
        # Readers ignore a torn last line, but the next line would make it one in the middle.
        os.ftruncate(self._file, self._end)
        try:
            while data:  # a full disk takes a part first
                data = data[os.pwrite(self._file, data, end - len(data)) :]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._end = end

    def is_in_place(self) -> bool:
        """Whether the file is where it was opened: not removed, and its folder not moved or taken away."""
        try:
            there = os.stat(self._path)
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self._file))

    def close(self) -> None:
        """Let others write."""
        os.close(self._file)


def _open_locked(path: Path) -> int:
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError as error:
        raise DatasetError(f"there is no index file {path}") from error
    try:
        _lock(file)
    except BlockingIOError as error:
        os.close(file)
        raise DatasetError(f"{path} is being written by another process") from error
    return file


def _lock(file: int) -> None:
    """Lock ``file`` for writing; BlockingIOError when another has it for longer than ``is_being_written`` takes."""
    for attempt in range(_ATTEMPTS):
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.01)


def sync_folder(folder: Path) -> None:
    """Return when files renamed or made within ``folder`` are so on the disk: syncing a file does not sync its name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
