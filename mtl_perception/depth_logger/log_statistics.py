"""Counts of what became of the frames, and rates."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass

WINDOW = 5.0
"""Seconds over which rates are taken and within which a trouble is recent."""


@dataclass(frozen=True)
class LogSummary:
    """What became of the frames since the start.

    Attributes:
        pairs: pairs of colour and depth that came.
        kept: frames chosen, by reason.
        not_kept: pairs not chosen, by why.
        written: frames on the disk and in the index.
        posed: those of them that know where the camera was.
        lost: chosen, or not even looked at, but not written, by why.
        pair_rate, write_rate: a second, over the last seconds.
        trouble: the latest trouble, while it is recent or lasts; empty otherwise.
    """

    pairs: int
    kept: dict[str, int]
    not_kept: dict[str, int]
    written: int
    posed: int
    lost: dict[str, int]
    pair_rate: float
    write_rate: float
    trouble: str


class LogStatistics:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: Counter[str] = Counter()
        self._not_kept: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._pairs = self._written = self._posed = 0
        self._pair_times: deque[float] = deque()
        self._write_times: deque[float] = deque()
        self._trouble, self._trouble_until = "", float("-inf")

    def pair(self) -> None:
        """Count a pair that came."""
        with self._lock:
            self._pairs += 1
            self._pair_times.append(time.monotonic())
            _forget(self._pair_times)

    def kept(self, reason: str) -> None:
        """Count a frame that was chosen."""
        with self._lock:
            self._kept[reason] += 1

    def not_kept(self, why: str) -> None:
        """Count a pair that was not chosen."""
        with self._lock:
            self._not_kept[why] += 1

    def written(self, *, posed: bool) -> None:
        """Count a frame that is on the disk, with or without the camera's pose."""
        with self._lock:
            self._written += 1
            self._posed += posed
            if self._trouble_until == float("inf"):
                self._trouble_until = float("-inf")
            self._write_times.append(time.monotonic())
            _forget(self._write_times)

    def lost(self, why: str, trouble: str = "", count: int = 1, *, lasts: bool = False) -> None:
        """Count frames that were lost.

        Args:
            why: in a word.
            trouble: tells a person more; empty where all is as it should be.
            count: how many.
            lasts: the trouble lasts until a frame is written; else it is over in a few seconds.
        """
        with self._lock:
            self._lost[why] += count
            if trouble:
                self._trouble = trouble
                self._trouble_until = float("inf") if lasts else time.monotonic() + WINDOW

    def summary(self) -> LogSummary:
        """The figures as of now."""
        with self._lock:
            _forget(self._pair_times)
            _forget(self._write_times)
            return LogSummary(
                self._pairs,
                dict(self._kept),
                dict(self._not_kept),
                self._written,
                self._posed,
                dict(self._lost),
                len(self._pair_times) / WINDOW,
                len(self._write_times) / WINDOW,
                self._trouble if time.monotonic() < self._trouble_until else "",
            )


def _forget(times: deque[float]) -> None:
    while times and times[0] < time.monotonic() - WINDOW:
        times.popleft()
