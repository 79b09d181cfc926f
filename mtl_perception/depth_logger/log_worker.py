"""A bounded queue and one thread that works it off, so that neither callbacks nor memory wait for the disk."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class LogWorker(Generic[Item]):
    """Call ``process`` on what was put, in order, in a thread of its own.

    Args:
        name: of the thread.
        process: given up to ``batch`` items that wait; one that raises does not stop the thread.
        on_error: told of what ``process`` raised.
        capacity: items that may wait.
        batch: items given at once.
    """

    def __init__(
        self,
        name: str,
        process: Callable[[Sequence[Item]], None],
        on_error: Callable[[Exception], None],
        *,
        capacity: int,
        batch: int = 1,
    ) -> None:
        self._process = process
        self._on_error = on_error
        self._capacity = capacity
        self._batch = batch
        self._items: deque[Item] = deque()
        self._busy = 0
        self._stopping = False
        self._deadline = float("inf")
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Items not done."""
        with self._wake:
            return len(self._items) + self._busy

    def put(self, item: Item) -> bool:
        """Leave ``item`` for the thread; False, and it is not taken, when the queue is full or the worker stopped."""
        with self._wake:
            if len(self._items) >= self._capacity or self._stopping:
                return False
            self._items.append(item)
            self._wake.notify()
        return True

    def stop(self, patience: float) -> int:
        """Work off what waits, ``patience`` seconds at the most, and end; how many items were left."""
        with self._wake:
            self._stopping = True
            self._deadline = time.monotonic() + patience
            self._wake.notify()
        self._thread.join()
        return len(self._items)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._busy = 0
                self._wake.wait_for(lambda: self._stopping or self._items)
                if not self._items or time.monotonic() > self._deadline:
                    return
                items = [self._items.popleft() for _ in range(min(self._batch, len(self._items)))]
                self._busy = len(items)
            try:
                self._process(items)
            except Exception as error:  # one bad frame must not end the log
                self._on_error(error)
