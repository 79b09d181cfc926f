"""The curves: each row's figures at each value, and what a student has over the best control there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.metrics.figures import ROBOT_FIGURES
from training.spread import Spread, over_best


@dataclass(frozen=True)
class Level:
    """A row at a value of a curve: one figure of some seeds."""

    curve: str
    value: float
    row: str
    is_student: bool
    by_seed: Mapping[int, float]

    @property
    def spread(self) -> Spread:
        """Over the seeds."""
        return Spread(tuple(self.by_seed.values()))


@dataclass(frozen=True)
class Verdict:
    """What pseudo-labels do at a value of a curve.

    Attributes:
        student: a row.
        over: the control that is best there, in the student's seeds.
        difference: seed by seed, positive where the student is better.
    """

    curve: str
    value: float
    student: str
    over: str
    difference: Spread


def levels(results: Sequence[Mapping[str, Any]], figure: str) -> list[Level]:
    """The results of one figure by curve, value and row; rows that do not have it are left out."""
    groups: dict[tuple[str, float, str, bool], dict[int, float]] = {}
    for r in results:
        if figure in r["values"]:
            key = (r["curve"], r["value"], r["row"], r["student"])
            groups.setdefault(key, {})[r["seed"]] = r["values"][figure]
    return [Level(*key, by_seed) for key, by_seed in groups.items()]


def as_json(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is decided of every figure, student and point."""
    return [
        {
            "figure": figure,
            "curve": v.curve,
            "value": v.value,
            "student": v.student,
            "over": v.over,
            "difference": v.difference.mean,
            "half_width": v.difference.half_width,
            "verdict": v.difference.verdict,
        }
        for figure in ROBOT_FIGURES
        for v in verdicts(levels(results, figure), figure)
    ]


def verdicts(found: Sequence[Level], figure: str) -> list[Verdict]:
    """Of each student at each value, over the best control there; where none was trained there is none."""
    sign = ROBOT_FIGURES[figure].sign
    judged = []
    for student in found:
        controls = [c for c in found if not c.is_student and (c.curve, c.value) == (student.curve, student.value)]
        if not student.is_student or not controls:
            continue
        if best := over_best(student.by_seed, {c.row: c.by_seed for c in controls}, sign):
            judged.append(Verdict(student.curve, student.value, student.row, *best))
    return judged
