"""The matrix: what giving one task as input changes of another's student."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.affinity.rows import controls, student_name
from training.metrics.figures import MAIN_FIGURES
from training.spread import Spread, over_best


@dataclass(frozen=True)
class Effect:
    """A cell of the matrix.

    Attributes:
        given: the task i whose labels are plentiful and that the teacher looks at.
        task: the task j that is measured.
        over: the row it is compared with: of the networks without a teacher the one that is best at j, in the
            student's seeds, which favours it.
        without: that one's figures of j, by seed.
        with_teacher: those of the student, of the same seeds and number of steps.
    """

    given: str
    task: str
    over: str
    without: Spread
    with_teacher: Spread

    @property
    def difference(self) -> Spread:
        """Seed by seed, positive where the student is better, in the figure's own unit."""
        sign = MAIN_FIGURES[self.task].sign
        pairs = zip(self.with_teacher.values, self.without.values, strict=True)
        return Spread(tuple(sign * (one - other) for one, other in pairs))

    @property
    def relative(self) -> float:
        """The mean difference over the mean figure without the teacher, as tasks have figures of different units."""
        base = self.without.mean
        return self.difference.mean / abs(base) if base else math.nan

    @property
    def relative_half_width(self) -> float:
        """Half the 95 % interval of the mean difference, over the same; NaN for one seed."""
        base = self.without.mean
        return self.difference.half_width / abs(base) if base else math.nan

    @property
    def verdict(self) -> str:
        """Of the difference, see ``Spread.verdict``; with one seed it is undecided."""
        return self.difference.verdict


def effects(tasks: Sequence[str], report: str, results: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Effect]:
    """The cells for which there is a student, and each network to compare it with, of at least one seed.

    A network of the same labels alone would not do: where few frames have a task's labels, most of its steps see none,
    so that any teacher seems to help. The best of ``controls`` is what a user would have without one.

    Args:
        tasks: of the study.
        report: the frames measured on.
        results: of the runner.
    """
    found: dict[str, dict[int, Mapping[str, float]]] = {}
    for result in results:
        found.setdefault(result["row"], {})[result["seed"]] = result["measured"][report]["values"]
    cells = {}
    for given in tasks:
        for task in tasks:
            rows = (student_name(given), *controls(given, task))
            seeds = sorted(set.intersection(*({*found.get(row, {})} for row in rows)))
            if task == given or not seeds:
                continue
            main = MAIN_FIGURES[task]
            student, *others = ({s: found[row][s].get(main.name, math.nan) for s in seeds} for row in rows)
            without = dict(zip(rows[1:], others, strict=True))
            if best := over_best(student, without, main.sign):
                cells[given, task] = Effect(given, task, best[0], _spread(without[best[0]]), _spread(student))
    return cells


def _spread(by_seed: Mapping[int, float]) -> Spread:
    return Spread(tuple(by_seed.values()))


def relative_matrix(tasks: Sequence[str], cells: Mapping[tuple[str, str], Effect]) -> np.ndarray:
    """(n, n) relative effects, row = task given, column = task measured; NaN on the diagonal and where missing."""
    matrix = np.full((len(tasks), len(tasks)), np.nan)
    for (given, task), effect in cells.items():
        matrix[tasks.index(given), tasks.index(task)] = effect.relative
    return matrix
