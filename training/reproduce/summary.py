"""What the runs of a study say together: means, intervals, the best length of each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from training.reproduce.study import Study

HIGHER_IS_BETTER = {"miou_present": True, "rmse": False}


@dataclass(frozen=True)
class Spread:
    """One figure of some seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.values))

    @property
    def half_width(self) -> float:
        """Half the 95 % interval of the mean (Student's t); NaN for fewer than two seeds."""
        n = len(self.values)
        if n < 2:
            return math.nan
        return float(stats.t.ppf(0.975, n - 1) * np.std(self.values, ddof=1) / math.sqrt(n))


@dataclass(frozen=True)
class Cell:
    """A row at a budget and a length: its figures on one set of frames, by name, over the seeds."""

    row: str
    budget: str
    steps: int
    figures: Mapping[str, Spread]


def cells(results: Sequence[Mapping[str, Any]], frames: str) -> list[Cell]:
    """The results by row, budget and length, as measured on ``frames``."""
    groups: dict[tuple[str, str, int], list[Mapping[str, float]]] = {}
    for result in results:
        if frames in result["measured"]:
            key = (result["row"], result["budget_name"], result["steps"])
            groups.setdefault(key, []).append(result["measured"][frames]["values"])
    return [
        Cell(row, budget, steps, {name: Spread(tuple(v[name] for v in values)) for name in values[0]})
        for (row, budget, steps), values in groups.items()
    ]


def at_best_length(study: Study, results: Sequence[Mapping[str, Any]], figure: str) -> list[Cell]:
    """Each row and budget at the length that is best for ``figure`` on the frames to choose on.

    The mean over the seeds decides; a length that lacks seeds others have has no say. Where only one length was
    trained, that is it.
    """
    sign = 1 if HIGHER_IS_BETTER[figure] else -1

    def merit(cell: Cell) -> tuple[int, float]:
        return len(cell.figures[figure].values), sign * cell.figures[figure].mean

    best: dict[tuple[str, str], Cell] = {}
    for cell in cells(results, study.choose or study.report):
        key = (cell.row, cell.budget)
        if figure in cell.figures and (key not in best or merit(cell) > merit(best[key])):
            best[key] = cell
    reported = {(c.row, c.budget, c.steps): c for c in cells(results, study.report)}
    return [reported[(c.row, c.budget, c.steps)] for c in best.values()]
