"""One training of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from training.reproduce.row import Row


@dataclass(frozen=True)
class Run:
    """One training of a study.

    Attributes:
        row: what is trained.
        budget: numbers of labels by task.
        seed: of budget, network and order.
        steps: its length.
    """

    row: Row
    budget: Mapping[str, int]
    seed: int
    steps: int

    @property
    def budget_name(self) -> str:
        """E.g. ``depth500-semantic250``."""
        return "-".join(f"{task}{count}" for task, count in sorted(self.budget.items()))

    @property
    def name(self) -> str:
        """Path of its folder under the study's; of a row that sees all labels there is one for all budgets."""
        seen = "all" if self.row.labels == "all" else self.budget_name
        return f"{seen}/{self.row.name}/seed{self.seed}-steps{self.steps}"
