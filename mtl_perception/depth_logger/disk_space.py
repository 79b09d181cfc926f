"""How much a data set folder may hold: a quota of its own, and what must stay free on its disk."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

GIGABYTE = 10**9
_COUNT_AGAIN = 500
"""Changes after which the folder is counted anew: other loggers may write to it."""
_COUNT_WHEN_FULL = 10.0
"""Seconds between counts while the quota is reached: somebody may take frames away."""

_LAST_BLOCKS = 4 * 4096
"""Bytes that the files of a frame and its line of the index take on the disk beyond their sizes, at the most."""


class DiskSpace:
    """Keeps count of what the folder ``root`` holds.

    Args:
        root: the data set folder, which exists.
        quota: bytes it may hold, all runs and labels together; 0 is no limit.
        min_free: bytes that must stay free on its disk.
    """

    def __init__(self, root: Path, quota: int, min_free: int) -> None:
        self._root = root
        self._quota = quota
        self._min_free = min_free
        self.used = 0
        """Bytes the folder holds."""
        self.count()

    @property
    def free(self) -> int:
        """Bytes free on the disk."""
        return shutil.disk_usage(self._root).free

    def shortage(self, size: int) -> str | None:
        """Why ``size`` more bytes are too many, or None when they are not."""
        if self._quota:  # else nobody need wait for a long count
            long_ago = time.monotonic() - self._counted > _COUNT_WHEN_FULL
            if self._changes >= _COUNT_AGAIN or (long_ago and self.used + size > self._quota):
                self.count()
            if self.used + size > self._quota:
                return f"the quota of {_gigabytes(self._quota)} for {self._root} is reached"
        free = self.free
        if free - size - _LAST_BLOCKS < self._min_free:
            if not self._min_free:
                return f"the disk of {self._root} is full"
            return f"{_gigabytes(free)} are free on the disk of {self._root}, {_gigabytes(self._min_free)} must stay"
        return None

    def count(self) -> None:
        """Count anew what the folder holds."""
        self._changes, self._counted = 0, time.monotonic()
        self.used = _bytes_under(self._root)

    def change(self, size: int) -> None:
        """Count a frame of ``size`` bytes in, or, negative, out."""
        self._changes += 1
        self.used += size


def _gigabytes(size: int) -> str:
    return f"{size / GIGABYTE:.3g} GB"


def _bytes_under(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except FileNotFoundError:  # of another logger, just renamed or dropped
                continue
    return total
