"""Tables of the report, as the page's template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Cell:
    """One figure.

    Attributes:
        text: as it is read.
        share: 0..1, drawn as a bar behind the text; None without.
        best: the best of the models'.
    """

    text: str
    share: float | None = None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """Figures of one thing.

    Attributes:
        name: of the thing.
        cells: its figures.
        color: of a class, 0..255.
        means: what the figures mean, told in a last column; empty without.
    """

    name: str
    cells: tuple[Cell, ...]
    color: tuple[int, int, int] | None = None
    means: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under one heading.

    Attributes:
        caption: what the table tells.
        columns: heading of each column, that of the rows' names first.
        bodies: groups of rows, each with its title, empty where it needs none.
        spans: headings above ``columns``, with the number of columns under each; none without.
    """

    caption: str
    columns: tuple[str, ...]
    bodies: tuple[tuple[str, tuple[Row, ...]], ...]
    spans: tuple[tuple[str, int], ...] = ()


def mark_best(cells: Sequence[Cell], losses: Sequence[float | None]) -> list[Cell]:
    """``cells`` with those of the least of ``losses`` marked; none where there is nothing to choose between."""
    known = [(loss, cell.text) for cell, loss in zip(cells, losses, strict=True) if loss is not None]
    if len({text for _, text in known}) < 2:
        return list(cells)
    best = min(known)[1]
    return [replace(c, best=loss is not None and c.text == best) for c, loss in zip(cells, losses, strict=True)]
