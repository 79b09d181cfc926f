"""One slot that holds the latest frame, and one thread that works on it.

A queue would let latency grow whenever the camera is faster than the network; a slot cannot.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Frame = TypeVar("Frame")

_HAND_OVER = 20e-6
"""Seconds that ``put`` waits for the worker's thread to take over."""


class LatestFrameWorker(Generic[Frame]):
    """Call ``process`` on the latest frame put, in a thread of its own.

    Args:
        process: what to do with a frame; one that raises does not stop the thread.
        on_error: told of what ``process`` raised.
    """

    def __init__(self, process: Callable[[Frame], None], on_error: Callable[[Exception], None]) -> None:
        self._process = process
        self._on_error = on_error
        self._frame: Frame | None = None
        self._stopping = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="perception", daemon=True)
        self._thread.start()

    def put(self, frame: Frame) -> bool:
        """Leave ``frame`` for the thread; True when an older one still waiting was thrown away."""
        with self._wake:
            replaced = self._frame is not None
            self._frame = frame
            self._wake.notify()
        # The interpreter would stay with this thread: half a millisecond later for the frame.
        time.sleep(_HAND_OVER)
        return replaced

    def stop(self) -> None:
        """End the thread, after the frame it is at; one still waiting is thrown away."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or self._frame is not None)
                if self._stopping:
                    return
                frame, self._frame = self._frame, None
            try:
                self._process(frame)
            except Exception as error:  # one bad frame must not end the node
                self._on_error(error)
