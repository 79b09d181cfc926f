"""Where the way to the ceiling lies: IoU class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.metrics.figures import MAIN_FIGURES
from training.models.tasks import SEMANTIC
from training.reproduce.study import Study
from training.reproduce.summary import cells, gains
from training.spread import Spread


@dataclass(frozen=True)
class ByClass:
    """IoU of a budget's best rows of each kind, trained for equally long.

    Attributes:
        steps: of all three; None where each row has a length of its own, as a study of epochs has.
        rows: names of the best baseline, the best student and the ceiling.
        iou: by class of the three, over the seeds; the class with most to win first.
    """

    steps: int | None
    rows: tuple[str, str, str]
    iou: Mapping[str, tuple[Spread, Spread, Spread]]

    def to_win(self, name: str) -> float:
        """What the ceiling has over the student in a class, means over the seeds."""
        _, student, ceiling = self.iou[name]
        return ceiling.mean - student.mean


def by_class(study: Study, results: Sequence[Mapping[str, Any]]) -> ByClass | None:
    """The classes at the longest length that a baseline, a student and the ceiling have; None if there is none.

    The baseline is the best on the reported frames, which favours it, the student on those to choose on.

    Args:
        study: with baselines and a ceiling.
        results: of one budget.
    """
    figure = MAIN_FIGURES[SEMANTIC].name
    for steps in sorted(study.steps, reverse=True) or [None]:
        mine = [r for r in results if steps in (None, r["steps"])]
        found = {gain.row: gain.over for gain in gains(study, mine, figure)}
        if study.ceiling in found and len(found) > 1:
            students = [c for c in cells(mine, study.choose or study.report) if c.row in found.keys() - {study.ceiling}]
            best = max(students, key=lambda c: c.figures[figure].mean)
            rows = (found[best.row], best.row, study.ceiling)
            return ByClass(steps, rows, _most_to_win_first([_iou(mine, row, study.report) for row in rows]))
    return None


def _iou(results: Sequence[Mapping[str, Any]], row: str, frames: str) -> dict[str, Spread]:
    """Of the classes that every seed has: one that only some network predicts, and that occurs nowhere, is none."""
    by_seed = [r["measured"][frames]["iou"] for r in results if r["row"] == row]
    return {name: Spread(tuple(iou[name] for iou in by_seed)) for name in by_seed[0] if all(name in i for i in by_seed)}


def _most_to_win_first(by_row: Sequence[Mapping[str, Spread]]) -> dict[str, tuple[Spread, Spread, Spread]]:
    baseline, student, ceiling = by_row
    common = [name for name in student if name in baseline and name in ceiling]
    names = sorted(common, key=lambda name: student[name].mean - ceiling[name].mean)
    return {name: (baseline[name], student[name], ceiling[name]) for name in names}
