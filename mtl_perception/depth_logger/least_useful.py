"""Which logged frames to give up first when the quota is reached.

Least useful is the frame that showed least new when it was logged: the smallest ``view_change`` (see ``key_frames``)
times ``valid_depth``; of equal ones the oldest. Never given up are frames somebody asked for, and frames that no index
knows; further ones are in ``protected_frames``. A frame that was kept because the network was wrong or unsure is worth
as much as a wholly new view, and one that somebody asks for more than any.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtl_perception.dataset_index import read_index

ASKED_FOR = ("service", "look_back")
"""Reasons of frames that a person wanted."""
NETWORK = ("disagreement", "low_confidence")
"""Reasons of frames on which the network did badly."""


@dataclass(frozen=True, order=True)
class Candidate:
    """A frame that may be given up; the least comes first."""

    usefulness: float
    stamp: int
    name: str
    run: str = field(compare=False)


def is_asked_for(frame: Mapping[str, Any]) -> bool:
    """Whether a person wanted the frame of this line of an index, at once or after a rule had chosen it."""
    return frame.get("reason") in ASKED_FOR or bool(frame.get("asked_for"))


def usefulness(frame: Mapping[str, Any]) -> float:
    """How much of value a frame of the index holds, 0..1, or infinitely much; what its line does not tell is good."""
    if is_asked_for(frame):
        return math.inf
    if frame.get("reason") in NETWORK:
        return float(frame.get("valid_depth", 1.0))
    return float(frame.get("view_change", 1.0)) * float(frame.get("valid_depth", 1.0))


class LeastUseful:
    """The frames of a data set folder in the order in which to give them up."""

    def __init__(self, root: Path) -> None:
        self._heap: list[Candidate] = []
        self._asked_for: set[str] = set()
        for index in read_index(root):
            for frame in index.frames.values():
                self.add(index.run, frame)

    def __iter__(self) -> Iterator[Candidate]:
        """Every frame that may be given up, in no order."""
        return (candidate for candidate in self._heap if candidate.name not in self._asked_for)

    def add(self, run: str, frame: Mapping[str, Any]) -> None:
        """Count in a frame of ``run``, by its line of the index."""
        worth = usefulness(frame)
        if worth < math.inf:
            heapq.heappush(self._heap, Candidate(worth, frame["stamp"], frame["name"], run))

    def put_back(self, candidates: Iterable[Candidate]) -> None:
        """Count in what was taken and not given up."""
        for candidate in candidates:
            heapq.heappush(self._heap, candidate)

    def protect(self, name: str) -> None:
        """Give frame ``name`` up no more: somebody asked for it."""
        self._asked_for.add(name)

    def take_below(self, limit: float) -> Iterator[Candidate]:
        """Take out frames less useful than ``limit``, the least useful first."""
        while self._heap and self._heap[0].usefulness < limit:
            candidate = heapq.heappop(self._heap)
            if candidate.name not in self._asked_for:
                yield candidate
