"""Whether a row has been trained for long enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.reproduce.run import Run
from training.reproduce.study import Study
from training.reproduce.summary import HIGHER_IS_BETTER, cells


def is_past_plateau(study: Study, results: Sequence[Mapping[str, Any]], run: Run) -> bool:
    """Whether the two lengths before a run's have all their seeds, and the longer of them was better in nothing.

    Better is by the mean over the seeds, on the frames to choose a length on.
    """
    shorter = sorted(steps for steps in study.steps if steps < run.steps)[-2:]
    mine = [r for r in results if r["row"] == run.row.name and r["budget_name"] == run.budget_name]
    found = {c.steps: c for c in cells(mine, study.choose) if {*c.seeds} >= {*study.seeds}}
    if len(shorter) < 2 or not found.keys() >= {*shorter}:
        return False
    before, after = (found[steps].figures for steps in shorter)
    return not any(
        (after[name].mean - before[name].mean) * (1 if higher else -1) > 0
        for name, higher in HIGHER_IS_BETTER.items()
        if name in after
    )
