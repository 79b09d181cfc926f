"""The seconds before now, kept at a modest rate in case somebody asks for them."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class LookBack(Generic[Item]):
    """A buffer of what came in the last ``seconds``, thinned to ``rate`` a second: at most their product, and one.

    Args:
        seconds: by the stamps; 0 keeps nothing.
        rate: items a second.
    """

    def __init__(self, seconds: float, rate: float) -> None:
        self._span = round(seconds * 1e9)
        self._step = 0.9e9 / rate  # items of just this rate come now a little early, now late
        self._capacity = int(seconds * rate) + 1
        self._items: deque[tuple[int, Item]] = deque()

    def add(self, stamp: int, item: Item) -> None:
        """Remember ``item`` of ``stamp`` (ns) if it is due; a stamp that goes back begins the buffer anew."""
        if not self._span:
            return
        if self._items and stamp < self._items[-1][0]:
            self._items.clear()
        if self._items and stamp - self._items[-1][0] < self._step:
            return
        self._items.append((stamp, item))
        while len(self._items) > self._capacity or stamp - self._items[0][0] > self._span:
            self._items.popleft()

    def take(self, stamp: int) -> list[Item]:
        """What came in the span before ``stamp`` (ns), in order; it is not remembered any longer."""
        items = [item for at, item in self._items if 0 <= stamp - at <= self._span]
        self._items.clear()
        return items
