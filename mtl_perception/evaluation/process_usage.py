"""Processor time and memory of a process, as Linux tells them."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import TracebackType

_PERIOD = 0.25
"""Seconds between two samples."""


def peak_memory(pid: int) -> float | None:
    """Most MiB that process ``pid`` has held since it started; None where there is no /proc, or it has ended.

    Not what getrusage tells: that is handed down from the process that started it.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    _, found, after = status.partition("VmHWM:")
    return int(after.split()[0]) / 2**10 if found else None


class ProcessUsage:
    """Context that watches another process; where there is no /proc it sees nothing.

    Args:
        pid: of the process.
    """

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self._samples: list[tuple[float, float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ProcessUsage:
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._sample()

    def figures(self) -> dict[str, float | dict[str, float]]:
        """What was seen.

        Returns:
            ``cpu_percent`` (100 is one core, on average while it was watched) and ``memory_mib`` (resident: ``start``,
            ``end``, ``max``); empty where nothing was seen.
        """
        if len(self._samples) < 2:
            return {}
        times, seconds, memory = zip(*self._samples, strict=True)
        return {
            "cpu_percent": round(100 * (seconds[-1] - seconds[0]) / (times[-1] - times[0]), 1),
            "memory_mib": {
                "start": round(memory[0], 1),
                "end": round(memory[-1], 1),
                "max": round(max(memory), 1),
            },
        }

    def _watch(self) -> None:
        while not self._over.wait(_PERIOD):
            self._sample()

    def _sample(self) -> None:
        try:
            # Fields as in proc(5); the second, the program's name, may hold spaces and brackets.
            status = (self._folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # there is no /proc, or the process has ended
            return
        ticks = int(status[11]) + int(status[12])
        pages = int(status[21])
        self._samples.append(
            (time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
        )
