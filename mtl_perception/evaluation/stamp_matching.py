"""To each image of a recording what else was taken at its moment, found by stamps; and where clocks jump."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

TOLERANCE = 20_000_000
"""Nanoseconds: the farthest that depth or labels may be from the image they are compared with."""
_PATIENCE = 1_000_000_000
"""Nanoseconds of recording that an image waits for what belongs to it: drivers send depth later than colour."""
_JUMP = 1_000_000_000
"""Nanoseconds by which a step of the stamps may differ from the step of the recording's own clock."""
_TOLD = 5


@dataclass(frozen=True)
class Match:
    """An image, and by the names of the other streams what belongs to it, if anything.

    Attributes:
        index: of the image among all, from 0.
        stamp: of the image, ns.
        image: as it was added.
        others: as they were added.
    """

    index: int
    stamp: int
    image: Any
    others: dict[str, Any]


@dataclass(frozen=True)
class _Waiting:
    stamp: int
    time: int
    item: Any
    index: int = 0

    def away(self, other: _Waiting) -> int:
        return abs(self.stamp - other.stamp)


@dataclass
class _Clock:
    """The latest stamp of a stream, and when the recorder got it."""

    stamp: int
    time: int


@dataclass
class StampMatching:
    """Gives each image the nearest of every other stream, at most ``TOLERANCE`` away and not given to another.

    Every image comes out, in the order they came in, once what could belong to it is here. Where the stamps of a stream
    jump back nothing before goes with anything after.

    Args:
        others: names of the streams beside the images.

    Attributes:
        jumps: where the images' clock jumped, one line each.
    """

    others: Sequence[str]
    jumps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._images: deque[_Waiting] = deque()
        self._waiting: dict[str, deque[_Waiting]] = {name: deque() for name in self.others}
        self._clocks: dict[str, _Clock] = {}
        self._count = 0
        self._jump_count = 0

    def add_image(self, stamp: int, time: int, image: Any) -> Iterator[Match]:
        """Take in an image of ``stamp`` that was recorded at ``time`` (ns both); the matches that completes."""
        yield from self._see("image", stamp, time)
        self._images.append(_Waiting(stamp, time, image, self._count))
        self._count += 1
        yield from self._decide(time)

    def add(self, name: str, stamp: int, time: int, item: Any) -> Iterator[Match]:
        """Take in what stream ``name`` has of ``stamp``, recorded at ``time`` (ns both); the matches that completes."""
        yield from self._see(name, stamp, time)
        self._waiting[name].append(_Waiting(stamp, time, item))
        yield from self._decide(time)

    def finish(self) -> Iterator[Match]:
        """The images that still wait."""
        while self._images:
            yield self._match(self._images.popleft())
        if self._jump_count > _TOLD:
            self.jumps.append(f"and {self._jump_count - _TOLD} more jumps of the stamps")

    def _see(self, name: str, stamp: int, time: int) -> Iterator[Match]:
        before = self._clocks.get(name)
        self._clocks[name] = _Clock(stamp, time)
        if before is None:
            return
        step = stamp - before.stamp
        if name == "image" and (step < 0 or abs(step - (time - before.time)) > _JUMP):
            self._jump_count += 1
            if self._jump_count <= _TOLD:
                way = "back" if step < 0 else "ahead"
                self.jumps.append(f"stamps jump {way} by {abs(step) / 1e9:.3f} s at image {self._count}")
        if step < 0:
            yield from self._begin_anew(name, stamp)

    def _begin_anew(self, name: str, stamp: int) -> Iterator[Match]:
        """Part with what was before a stream's stamps jumped back to ``stamp``; the other streams may have, or will."""
        if name == "image":
            while self._images:
                yield self._match(self._images.popleft())
            for waiting in self._waiting.values():
                while waiting and waiting[-1].stamp > stamp + _JUMP:
                    waiting.pop()
            return
        while self._images and self._images[0].stamp > stamp + _JUMP:
            yield self._match(self._images.popleft())
        while self._waiting[name] and self._waiting[name][-1].stamp > stamp:
            self._waiting[name].pop()

    def _decide(self, time: int) -> Iterator[Match]:
        while self._images and self._is_ready(self._images[0], time):
            yield self._match(self._images.popleft())
        for waiting in self._waiting.values():
            # Of an image that comes this much later, none of these would be.
            while waiting and not self._images and time - waiting[0].time > _PATIENCE:
                waiting.popleft()

    def _is_ready(self, image: _Waiting, time: int) -> bool:
        if abs(time - image.time) > _PATIENCE:
            return True
        return all(waiting and waiting[-1].stamp >= image.stamp for waiting in self._waiting.values())

    def _match(self, image: _Waiting) -> Match:
        found = {}
        for name, waiting in self._waiting.items():
            # What is farther from this image than the one after it is so from all later images.
            while len(waiting) > 1 and image.away(waiting[1]) < image.away(waiting[0]):
                waiting.popleft()
            if waiting and image.away(waiting[0]) <= TOLERANCE:
                found[name] = waiting.popleft().item
        return Match(image.index, image.stamp, image.item, found)
