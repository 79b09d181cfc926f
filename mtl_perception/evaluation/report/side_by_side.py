"""Every figure of every model in one table: what is told, what it means, and which model does best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtl_perception.evaluation.named_figures import badness
from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.table import Cell, Row, Table, mark_best
from mtl_perception.evaluation.report.told import GROUPS, Told


def side_by_side(models: Sequence[Mapping[str, Any]]) -> Table | None:
    """All figures, a model a column; rows that no model has are left out, and the best of several is marked."""
    bodies: list[tuple[str, tuple[Row, ...]]] = []
    for group in GROUPS:
        rows = [_row(told, models) for told in group.figures]
        if any(rows):
            bodies.append((group.title, tuple(row for row in rows if row)))
    if not bodies:
        return None
    columns = ("figure", *(fmt.text(m, "name") for m in models), "what it means")
    return Table("Figures" if len(models) == 1 else "Figures, side by side", columns, tuple(bodies))


def _row(told: Told, models: Sequence[Mapping[str, Any]]) -> Row | None:
    values = [fmt.figure(m, *told.path) for m in models]
    if all(v is None for v in values):
        return None
    cells = [Cell(fmt.ABSENT if v is None else told.write(v)) for v in values]
    if told.better:
        cells = mark_best(cells, [None if v is None else badness(v, told.better) for v in values])
    return Row(told.title, tuple(cells), means=told.means)
