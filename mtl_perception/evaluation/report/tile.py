"""One thing to know about a model, as the page's template draws it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """One thing to know: its ``topic``, the figure that says most, what else matters; ``known``: there is a figure."""

    topic: str
    headline: str
    lines: tuple[str, ...]
    known: bool = True
