"""Which one figure stands for each task, which way it is better, and how it is told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.datasets.derived.sources import EDGES, NORMALS, OFFSETS
from training.models.tasks import DEPTH, SEMANTIC
from training.spread import Spread


@dataclass(frozen=True)
class TaskFigure:
    """A figure of a task.

    Attributes:
        task: whose it is.
        name: of it, among what the task's metrics compute.
        higher_is_better: which way is better.
        title: its name and unit, to read.
        scale: what it is multiplied by to be of that unit.
        digits: behind the point, to read.
    """

    task: str
    name: str
    higher_is_better: bool
    title: str
    scale: float = 1.0
    digits: int = 1

    @property
    def sign(self) -> int:
        """What makes a difference positive where it is a gain."""
        return 1 if self.higher_is_better else -1

    def told(self, value: float) -> str:
        """``value`` to read, without its unit."""
        return f"{self.scale * value:.{self.digits}f}"

    def told_spread(self, spread: Spread, sign: str = "") -> str:
        """Mean, and half interval where there is one; ``sign`` is ``"+"`` for differences."""
        mean = f"{self.scale * spread.mean:{sign}.{self.digits}f}"
        return mean if math.isnan(spread.half_width) else f"{mean} ± {self.told(spread.half_width)}"


MAIN_FIGURES = {
    figure.task: figure
    for figure in (
        TaskFigure(DEPTH, "rmse", False, "depth rmse, m", digits=3),
        TaskFigure(SEMANTIC, "miou_present", True, "mIoU, %", 100.0),
        TaskFigure(NORMALS, "normals_mean", False, "mean angle, degrees"),
        TaskFigure(EDGES, "edge_f", True, "edge F-score, %", 100.0),
        TaskFigure(OFFSETS, "offset_error", False, "offset error, px"),
    )
}
"""By task the figure it is judged by."""
ROBOT_FIGURES = {MAIN_FIGURES[task].name: MAIN_FIGURES[task] for task in (SEMANTIC, DEPTH)}
"""What a network on the robot is judged by, by the figure's name; mIoU is over the classes present."""
