"""Counts and timings of a stream of frames: what came, what went out, what was dropped and why."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Timings of one frame, milliseconds.

    Attributes:
        network: running the network.
        end_to_end: from the frame's arrival in the node to its results being published.
        age: from the frame's stamp to its results being published, by the node's clock.
    """

    network: float
    end_to_end: float
    age: float


@dataclass(frozen=True)
class Summary:
    """Figures over the window, and counts since the start.

    Attributes:
        rate_in, rate_out: frames a second.
        median, p95: timings, or None when no frame went out within the window.
        received, published: frames since the start.
        dropped: frames since the start, by reason.
    """

    rate_in: float
    rate_out: float
    median: Timing | None
    p95: Timing | None
    received: int
    published: int
    dropped: dict[str, int]


class StreamStatistics:
    """Thread-safe statistics of the last ``window`` seconds; all times are of one steady clock."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._lock = threading.Lock()
        self._arrivals: deque[float] = deque()
        self._timings: deque[tuple[float, Timing]] = deque()
        self._received = 0
        self._published = 0
        self._dropped: Counter[str] = Counter()

    def frame_received(self, now: float) -> None:
        """Count a frame that arrived at ``now`` (s)."""
        with self._lock:
            self._received += 1
            self._arrivals.append(now)
            self._forget(now)

    def frame_published(self, now: float, timing: Timing) -> None:
        """Count a frame whose results went out at ``now`` (s)."""
        with self._lock:
            self._published += 1
            self._timings.append((now, timing))
            self._forget(now)

    def frame_dropped(self, reason: str) -> None:
        """Count a frame that will have no results, and why."""
        with self._lock:
            self._dropped[reason] += 1

    def summary(self, now: float) -> Summary:
        """The figures as of ``now`` (s)."""
        with self._lock:
            self._forget(now)
            table = np.array([(t.network, t.end_to_end, t.age) for _, t in self._timings])
            median, p95 = (
                (Timing(*np.percentile(table, q, axis=0).tolist()) for q in (50, 95)) if len(table) else (None, None)
            )
            return Summary(
                rate_in=_rate(self._arrivals, now),
                rate_out=_rate([t for t, _ in self._timings], now),
                median=median,
                p95=p95,
                received=self._received,
                published=self._published,
                dropped=dict(self._dropped),
            )

    def _forget(self, now: float) -> None:
        while self._arrivals and self._arrivals[0] < now - self._window:
            self._arrivals.popleft()
        while self._timings and self._timings[0][0] < now - self._window:
            self._timings.popleft()


def _rate(times: Sequence[float], now: float) -> float:
    return (len(times) - 1) / (now - times[0]) if len(times) > 1 and now > times[0] else 0.0
