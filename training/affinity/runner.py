"""Run what of a matrix of tasks is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.affinity.rows import MULTI, single_name, student_name, teacher_name, uneven_name
from training.affinity.study import AffinityStudy
from training.reproduce.run import Run
from training.reproduce.runner import StudyRunner


class AffinityRunner(StudyRunner):
    """A study's runner whose rows each have a budget of their own: that in which their task has plenty of labels.

    Args:
        affinity: what to run.
        root: folder of the data sets.
        trainer: further arguments of Lightning's trainer.
    """

    def __init__(self, affinity: AffinityStudy, root: str, trainer: Mapping[str, Any] | None = None) -> None:
        super().__init__(affinity.as_study(), root, trainer)
        self.affinity = affinity

    def runs(self) -> list[Run]:
        """Every run, seed after seed, so that whole matrices are there early; teachers before their students."""
        study, budgets = self.affinity, self.affinity.budgets()
        runs = []
        for seed in study.seeds:
            plan = [(name, "", study.steps) for name in (*map(single_name, study.tasks), MULTI)]
            for task in study.tasks:
                plan.append((teacher_name(task), task, study.teacher_steps))
                plan += [(name(task), task, study.steps) for name in (uneven_name, student_name)]
            runs += [Run(self.study.row(name), budgets[task], seed, steps) for name, task, steps in plan]
        return runs
