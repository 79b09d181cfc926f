"""A network alone in a process of its own, timed there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.managers import BaseManager
from pathlib import Path

import numpy as np

from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.deployment.made_frames import made_frames
from mtl_perception.deployment.own_process import own_process
from mtl_perception.network import WARM_UP_RUNS, Network

FRAMES = 8
"""Frames that are run in turn."""


@dataclass(frozen=True)
class Opened:
    """A network that is open and warm.

    Attributes:
        pid: of the process it lives in.
        device: what runs it, for people to read.
        height, width: of its input, pixels.
        focal_length: of the camera it is made for, pixels.
        seconds: that opening and warming up took.
        first_ms: time of the first frame thereafter.
        passed_over: as of ``Network``.
    """

    pid: int
    device: str
    height: int
    width: int
    focal_length: float
    seconds: float
    first_ms: float
    passed_over: tuple[str, ...]


class TimedNetwork:
    """Runs a network on frames and tells how long each took, ``Network.predict`` as a whole."""

    def open(self, model: Path, runtime: Runtime, frames: Sequence[np.ndarray] = ()) -> Opened:
        """Open a network file and warm it up as the node does.

        Args:
            model: the file.
            runtime: how it is run.
            frames: (H, W, 3) uint8 RGB, to be run in turn; none: made ones of the network's size.

        Raises:
            NetworkError: the file cannot be opened so.
        """
        began = time.perf_counter()
        return self._opened(Network(model, runtime), frames, began)

    def _opened(self, network: Network, frames: Sequence[np.ndarray], began: float) -> Opened:
        self._network, card = network, network.card
        self._frames = list(frames) or made_frames(FRAMES, card.input_height, card.input_width)
        network.warm_up(WARM_UP_RUNS)
        seconds = time.perf_counter() - began
        self._next = 0
        first_ms = self._one()
        self._passed_over = network.passed_over
        return Opened(
            pid=os.getpid(),
            device=network.device,
            height=card.input_height,
            width=card.input_width,
            focal_length=card.focal_length,
            seconds=seconds,
            first_ms=first_ms,
            passed_over=self._passed_over,
        )

    def time(self, count: int) -> list[float]:
        """Milliseconds of each of ``count`` frames, after one that finds its data out of the caches and does not count.

        Raises:
            NetworkError: the library failed, or lost its device, and another took over.
        """
        self._one()
        times = [self._one() for _ in range(count)]
        if lost := self._network.passed_over[len(self._passed_over) :]:
            raise NetworkError(f"not run any more by {'; '.join(lost)}")
        return times

    def _one(self) -> float:
        frame = self._frames[self._next % len(self._frames)]
        self._next += 1
        start = time.perf_counter()
        self._network.predict(frame, self._network.card.focal_length)
        return (time.perf_counter() - start) * 1e3


class _NetworkProcess(BaseManager):
    """Runs a ``TimedNetwork`` elsewhere."""


_NetworkProcess.register("TimedNetwork", TimedNetwork)


@contextmanager
def timed_network() -> Iterator[TimedNetwork]:
    """A ``TimedNetwork`` in another process: its methods run there."""
    with own_process(_NetworkProcess) as manager:
        yield manager.TimedNetwork()
