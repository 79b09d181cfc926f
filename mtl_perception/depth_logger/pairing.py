"""Colour and depth of one moment, found by their stamps; and why there are none, where the clocks are apart."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

Colour = TypeVar("Colour")
Depth = TypeVar("Depth")
Item = TypeVar("Item")

_REMEMBERED = 30
"""Latest messages of each kind by which the clocks are compared."""
_ENOUGH = 5
"""Messages of each kind without which nothing is said of the clocks."""


@dataclass(frozen=True)
class _Waiting(Generic[Item]):
    stamp: int
    since: int
    item: Item

    def away(self, other: _Waiting) -> int:
        return abs(self.stamp - other.stamp)


@dataclass(frozen=True)
class Pair(Generic[Colour, Depth]):
    """Colour and depth whose stamps (ns) lie within the tolerance of each other."""

    stamp: int
    depth_stamp: int
    colour: Colour
    depth: Depth


@dataclass
class PairingCounts:
    """Messages since the start.

    Attributes:
        colour, depth: that came.
        pairs: that were made.
        colour_alone, depth_alone: that found no partner.
        went_back: times that stamps went back, and what waited was given up.
        colour_stamp: the latest of colour, ns.
    """

    colour: int = 0
    depth: int = 0
    pairs: int = 0
    colour_alone: int = 0
    depth_alone: int = 0
    went_back: int = 0
    colour_stamp: int = 0


class StampPairing(Generic[Colour, Depth]):
    """Pairs each colour image with the nearest depth not yet taken, at most ``tolerance`` (ns) away.

    Colour is decided on in the order of its stamps, as soon as nothing nearer can come: when depth of the same or a
    later stamp is here. Each stream comes in the order of its stamps, as cameras send it; where a stamp goes back (a
    bag begins again, a clock is set) all that waits is given up.

    What comes much later than its partner is not paired: were one clock half a second ahead, depth of the same stamp
    would come, and be of another moment.

    Args:
        tolerance: greatest difference of the stamps of a pair, ns.
        patience: how long a message waits for its partner, ns.
    """

    def __init__(self, tolerance: int, patience: int) -> None:
        self._tolerance = tolerance
        self._patience = patience
        self._colour: deque[_Waiting[Colour]] = deque()
        self._depth: deque[_Waiting[Depth]] = deque()
        self._latest: dict[str, int] = {}
        self._lag: dict[str, deque[int]] = {kind: deque(maxlen=_REMEMBERED) for kind in ("colour", "depth")}
        self.counts = PairingCounts()

    def add_colour(self, stamp: int, colour: Colour, now: int) -> list[Pair[Colour, Depth]]:
        """Take in a colour image that came at ``now``, ns of any steady clock; the pairs it completes."""
        self.counts.colour += 1
        self.counts.colour_stamp = stamp
        self._see("colour", stamp, now)
        self._colour.append(_Waiting(stamp, now, colour))
        return self._decide(now)

    def add_depth(self, stamp: int, depth: Depth, now: int) -> list[Pair[Colour, Depth]]:
        """Take in a depth image that came at ``now``, ns of the same clock; the pairs it completes."""
        self.counts.depth += 1
        self._see("depth", stamp, now)
        self._depth.append(_Waiting(stamp, now, depth))
        return self._decide(now)

    @property
    def clock_difference(self) -> int | None:
        """How far colour's stamps are ahead of depth's for what comes at the same time, ns; None before both came.

        Beside a difference of clocks it holds that of the ways the messages take: some tens of milliseconds.
        """
        if min(map(len, self._lag.values())) < _ENOUGH:
            return None
        return round(statistics.median(self._lag["colour"]) - statistics.median(self._lag["depth"]))

    def _see(self, kind: str, stamp: int, now: int) -> None:
        if stamp < self._latest.get(kind, stamp):
            self.counts.went_back += 1
            self.counts.colour_alone += len(self._colour)
            self.counts.depth_alone += len(self._depth)
            self._colour.clear()
            self._depth.clear()
            self._latest.clear()
            for lags in self._lag.values():
                lags.clear()
        self._latest[kind] = stamp
        self._lag[kind].append(stamp - now)

    def _decide(self, now: int) -> list[Pair[Colour, Depth]]:
        while self._colour and now - self._colour[0].since > self._patience:
            self._colour.popleft()
            self.counts.colour_alone += 1
        while self._depth and now - self._depth[0].since > self._patience:
            self._depth.popleft()
            self.counts.depth_alone += 1
        pairs = []
        while self._colour and self._depth:
            colour = self._colour[0]
            if self._depth[-1].stamp < colour.stamp:
                break  # nearer depth may come
            self._colour.popleft()
            # What is farther from this colour than the depth after it is so from all later colour.
            while len(self._depth) > 1 and colour.away(self._depth[1]) < colour.away(self._depth[0]):
                self._depth.popleft()
                self.counts.depth_alone += 1
            depth = self._depth[0]
            if colour.away(depth) <= self._tolerance:
                self._depth.popleft()
                self.counts.pairs += 1
                pairs.append(Pair(colour.stamp, depth.stamp, colour.item, depth.item))
            else:
                self.counts.colour_alone += 1
        return pairs
