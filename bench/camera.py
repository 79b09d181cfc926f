"""A camera that also streams at a fixed rate and waits for the first depth, and the node it plays to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.managers import BaseManager
from pathlib import Path

from mtl_perception.deployment.made_frames import made_frames
from mtl_perception.deployment.node_camera import PATIENCE, RESULTS, NoAnswerError, NodeCamera
from mtl_perception.deployment.own_process import own_process
from mtl_perception.node_process import NodeProcess

NAMESPACE = f"bench_{os.getpid()}"
"""Where the node under test and its camera meet; no other node on the machine is there."""
HEIGHT, WIDTH, FOCAL_LENGTH = 480, 640, 525.0
FRAMES = 8


@dataclass(frozen=True)
class Stream:
    """What became of frames sent at a fixed rate.

    Attributes:
        sent: frames that went out.
        received: those that the node got, by its own count.
        answered: frames whose results all came back.
        latencies: of each answered frame, from being sent to the last of its results being here, milliseconds.
    """

    sent: int
    received: int
    answered: int
    latencies: list[float]


class StreamingCamera(NodeCamera):
    """A camera of 640x480.

    Args:
        namespace: where the node under test is, see ``NAMESPACE``.
    """

    def __init__(self, namespace: str) -> None:
        super().__init__(namespace, made_frames(FRAMES, HEIGHT, WIDTH), FOCAL_LENGTH)

    def stream(self, count: int, rate: float, warm_up: int) -> Stream:
        """Send ``count`` frames at ``rate`` a second, whatever comes back, after ``warm_up`` that do not count."""
        before, _ = self._stream(warm_up, rate)
        after, stamps = self._stream(count, rate)
        answered = [s for s in stamps if self._answered(s)]
        return Stream(count, after - before, len(answered), [self._latency(s) for s in answered])

    def first_depth(self) -> tuple[float, float]:
        """Send frames at 30 a second until the first depth image comes back.

        Returns:
            When it came, seconds of the monotonic clock that all processes share, and how long it
            took from its frame being sent, milliseconds.

        Raises:
            NoAnswerError: none came within half a minute.
        """
        with self._news:
            self._received.clear()
        for _ in ticks(30.0, int(30.0 * PATIENCE)):
            self._publish()
            with self._news:
                depth = {stamp: times[RESULTS[0]] for stamp, times in self._received.items() if RESULTS[0] in times}
            if depth:
                stamp = min(depth)
                return depth[stamp], (depth[stamp] - self._sent[stamp]) * 1e3
        raise NoAnswerError(f"the node gave no depth within {PATIENCE:.0f} s: see its messages above")

    def _stream(self, count: int, rate: float) -> tuple[int, list[int]]:
        """Send frames; how many the node has received once all have reached it or are lost, and their stamps."""
        stamps = [self._publish() for _ in ticks(rate, count)]
        settled = self._now() + 500_000_000
        self._wait(lambda: self._diagnostics_stamp > settled, "the node sent no diagnostics")
        with self._news:
            return int(self._diagnostics["frames received"]), stamps


def ticks(rate: float, count: int) -> Iterator[int]:
    """0, 1, ... ``count`` - 1, ``rate`` of them a second."""
    started = time.monotonic()
    for i in range(count):
        time.sleep(max(0.0, started + i / rate - time.monotonic()))
        yield i


class _CameraProcess(BaseManager):
    """Runs a ``StreamingCamera`` elsewhere."""


_CameraProcess.register("StreamingCamera", StreamingCamera)


@contextmanager
def camera_process() -> Iterator[StreamingCamera]:
    """A ``StreamingCamera`` in another process: its methods run there. It starts with this process's environment."""
    with own_process(_CameraProcess) as manager:
        yield manager.StreamingCamera(NAMESPACE)


def node_process(model: Path) -> NodeProcess:
    """The node with the network file ``model`` in a process of its own, where the camera is."""
    arguments = ("-r", f"__ns:=/{NAMESPACE}", "--log-level", "warn")
    return NodeProcess({"model": str(model)}, {}, arguments)
