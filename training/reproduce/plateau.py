"""Whether a row has been trained for long enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from training.metrics.figures import ROBOT_FIGURES
from training.reproduce.run import Run
from training.reproduce.study import Study
from training.reproduce.summary import cells
from training.spread import Spread


def is_past_plateau(study: Study, results: Sequence[Mapping[str, Any]], run: Run) -> bool:
    """Whether of two neighbouring lengths before a run's, with all their seeds, the longer was better in nothing.

    Better is by the mean over the seeds, on the frames to choose a length on.
    """
    mine = [r for r in results if r["row"] == run.row.name and r["budget_name"] == run.budget_name]
    found = {c.steps: c.figures for c in cells(mine, study.choose) if {*c.seeds} >= {*study.seeds}}
    shorter = sorted(steps for steps in study.steps if steps < run.steps)
    return any(
        {one, other} <= found.keys() and not _is_better(found[other], found[one]) for one, other in pairwise(shorter)
    )


def _is_better(after: Mapping[str, Spread], before: Mapping[str, Spread]) -> bool:
    """Whether the mean of any figure is."""
    signs = {name: figure.sign for name, figure in ROBOT_FIGURES.items() if name in after}
    return any(sign * (after[name].mean - before[name].mean) > 0 for name, sign in signs.items())
