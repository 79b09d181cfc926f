"""How much a data set folder may hold: a quota of its own, and what must stay free on its disk."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

GIGABYTE = 10**9
_COUNT_AGAIN = 500
"""Changes after which the folder is counted anew: other loggers may write to it."""
_COUNT_WHEN_FULL = 10.0
"""Seconds between counts while the quota is reached: somebody may take frames away."""

_LAST_BLOCKS = 4 * 4096
"""Bytes that the files of a frame and its line of the index take on the disk beyond their sizes, at the most."""


class NoRoomError(Exception):
    """The quota is reached or the disk too full, and nothing may be given up for the frame."""


class LessUsefulError(NoRoomError):
    """There is no room, and the frame is less useful than all that could be given up for it."""


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
        self._counted = self._changed = self._changes = 0
        self._counted_at = 0.0
        if quota:
            self.count()
        else:  # for people to know only: no frame waits for a long count, and one counted twice does no harm
            threading.Thread(target=self._count_once, name="log_count", daemon=True).start()

    @property
    def used(self) -> int:
        """Bytes the folder holds; without a quota only what was written, until a first count is done."""
        return self._counted + self._changed

    @property
    def free(self) -> int:
        """Bytes free on the disk."""
        return shutil.disk_usage(self._root).free

    def excess(self, size: int) -> int:
        """Bytes that ``size`` more are beyond the quota; 0 where they are not, or where there is none."""
        if not self._quota:
            return 0
        long_ago = time.monotonic() - self._counted_at > _COUNT_WHEN_FULL
        if self._changes >= _COUNT_AGAIN or (long_ago and self.used + size > self._quota):
            self.count()
        return max(0, self.used + size - self._quota)

    def can_hold(self, size: int) -> bool:
        """Whether the quota would allow ``size`` bytes if there were nothing else."""
        return not self._quota or size <= self._quota

    @property
    def quota_reached(self) -> str:
        """What to tell of frames that are beyond the quota."""
        return f"the quota of {_gigabytes(self._quota)} for {self._root} is reached"

    def too_full(self, size: int) -> str | None:
        """Why the disk cannot take ``size`` more bytes, or None when it can."""
        free = self.free
        if free - size - _LAST_BLOCKS >= self._min_free:
            return None
        if not self._min_free:
            return f"the disk of {self._root} is full"
        return f"{_gigabytes(free)} are free on the disk of {self._root}, {_gigabytes(self._min_free)} must stay"

    def count(self) -> None:
        """Count anew what the folder holds."""
        self._changes, self._counted_at = 0, time.monotonic()
        self._counted, self._changed = _bytes_under(self._root), 0

    def change(self, size: int) -> None:
        """Count a frame of ``size`` bytes in, or, negative, out."""
        self._changes += 1
        self._changed += size

    def _count_once(self) -> None:
        self._counted = _bytes_under(self._root)


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
