"""What the runs of a study say together: means, intervals, the best length of each row."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.metrics.figures import ROBOT_FIGURES
from training.reproduce.study import Study
from training.spread import Spread, over_best, paired


@dataclass(frozen=True)
class Cell:
    """A row at a budget and a length: its figures on one set of frames, by name, over ``seeds``, in that order."""

    row: str
    budget: str
    steps: int
    seeds: tuple[int, ...]
    figures: Mapping[str, Spread]


@dataclass(frozen=True)
class Gain:
    """What a student of pseudo-labels, or the ceiling, has over the best row without a teacher.

    Attributes:
        row: the student's, or the ceiling.
        budget: of both.
        over: the baseline that is best on the reported frames in the same seeds, which favours it.
        difference: seed by seed, as the seeds share the budget, and the first weights as far as the networks are alike;
            positive is better.
        share: of the way from that baseline to the ceiling, means over the seeds; None without a ceiling.
    """

    row: str
    budget: str
    over: str
    difference: Spread
    share: float | None


def cells(results: Sequence[Mapping[str, Any]], frames: str) -> list[Cell]:
    """The results by row, budget and length, as measured on ``frames``."""
    groups: dict[tuple[str, str, int], dict[int, Mapping[str, float]]] = {}
    for result in results:
        if frames in result["measured"]:
            key = (result["row"], result["budget_name"], result["steps"])
            groups.setdefault(key, {})[result["seed"]] = result["measured"][frames]["values"]
    return [
        Cell(*key, tuple(by_seed), {name: _over(by_seed, name) for name in {**ChainMap(*by_seed.values())}})
        for key, by_seed in groups.items()
    ]


def _over(by_seed: Mapping[int, Mapping[str, float]], name: str) -> Spread:
    return Spread(tuple(values.get(name, math.nan) for values in by_seed.values()))


def at_best_length(study: Study, results: Sequence[Mapping[str, Any]], figure: str) -> list[Cell]:
    """Each row and budget at the length that is best for ``figure`` on the frames to choose on.

    The mean over the seeds decides; a length that lacks seeds others have has no say. Where only one length was
    trained, that is it. What the reported frames do not tell, as they lack that label, is left out.
    """
    sign = ROBOT_FIGURES[figure].sign

    def merit(cell: Cell) -> tuple[int, float]:
        return len(cell.figures[figure].values), sign * cell.figures[figure].mean

    best: dict[tuple[str, str], Cell] = {}
    for cell in cells(results, study.choose or study.report):
        key = (cell.row, cell.budget)
        if figure in cell.figures and (key not in best or merit(cell) > merit(best[key])):
            best[key] = cell
    reported = {(c.row, c.budget, c.steps): c for c in cells(results, study.report)}
    found = (reported.get((c.row, c.budget, c.steps)) for c in best.values())
    return [cell for cell in found if cell and figure in cell.figures]


def gains(study: Study, results: Sequence[Mapping[str, Any]], figure: str) -> list[Gain]:
    """What each row with pseudo-labels, and the ceiling, has over the best baseline, each at its own best length."""
    sign = ROBOT_FIGURES[figure].sign
    best = {(c.budget, c.row): c for c in at_best_length(study, results, figure)}
    found = []
    for budget in dict.fromkeys(c.budget for c in best.values()):
        baselines = {name: _by_seed(best[budget, name], figure) for name in study.baselines if (budget, name) in best}
        ceiling = best.get((budget, study.ceiling))
        for row in study.rows:
            cell = best.get((budget, row.name))
            if not cell or not (row.name == study.ceiling or (row.pseudo_labelled and row.inputs == ("rgb",))):
                continue
            if gained := over_best(_by_seed(cell, figure), baselines, sign):
                base, difference = gained
                way = paired(_by_seed(ceiling, figure), baselines[base], sign) if ceiling else None
                share = difference.mean / way.mean if way and way.values and way.mean > 0 else None
                found.append(Gain(row.name, budget, base, difference, share))
    return found


def _by_seed(cell: Cell, figure: str) -> dict[int, float]:
    return dict(zip(cell.seeds, cell.figures[figure].values, strict=True))
