"""The matrix: what giving one task as input changes of another's student."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.affinity.rows import student_name, uneven_name
from training.metrics.by_task import MAIN_FIGURES
from training.reproduce.summary import Spread


@dataclass(frozen=True)
class Effect:
    """A cell of the matrix.

    Attributes:
        given: the task i whose labels are plentiful and that the teacher looks at.
        task: the task j that is measured.
        without: figures of j without the teacher's labels, by seed.
        with_teacher: those of the student, of the same seeds, labels, frames and number of steps.
    """

    given: str
    task: str
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
    """The cells for which there is a student and a network to compare it with of at least one seed.

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
        students, others = found.get(student_name(given), {}), found.get(uneven_name(given), {})
        seeds = sorted(students.keys() & others.keys())
        for task in tasks:
            name = MAIN_FIGURES[task].name
            if task != given and seeds:
                without, with_teacher = (
                    Spread(tuple(f[s].get(name, math.nan) for s in seeds)) for f in (others, students)
                )
                cells[given, task] = Effect(given, task, without, with_teacher)
    return cells


def relative_matrix(tasks: Sequence[str], cells: Mapping[tuple[str, str], Effect]) -> np.ndarray:
    """(n, n) relative effects, row = task given, column = task measured; NaN on the diagonal and where missing."""
    matrix = np.full((len(tasks), len(tasks)), np.nan)
    for (given, task), effect in cells.items():
        matrix[tasks.index(given), tasks.index(task)] = effect.relative
    return matrix
