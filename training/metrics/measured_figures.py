"""The figures of a whole measurement, without those that measure nothing."""

from __future__ import annotations

import math
import sys

from mtl_perception.dataset_folder import DatasetFolder
from training.errors import ConfigurationError
from training.metrics.by_task import TaskMetrics
from training.metrics.figures import MAIN_FIGURES


def measured_figures(metrics: TaskMetrics, folder: DatasetFolder) -> dict[str, float]:
    """The figures of the tasks that the labels of ``folder`` tell something of; a line on stderr names the others.

    Raises:
        ConfigurationError: there is no such task.
    """
    tasks = [task for task in metrics.by_task if task in metrics.measured]
    if not tasks:
        raise ConfigurationError(f"no frame of {folder.root} has a label of {' or '.join(metrics.by_task)}")
    values = {task: metrics.by_task[task].compute() for task in tasks}
    empty = [task for task in tasks if math.isnan(values[task][MAIN_FIGURES[task].name])]
    if empty:
        what = (
            f"{' and '.join(empty)} cannot be measured: the labels in {folder.root} have no known pixel (0 is unknown)"
        )
        if empty == tasks:
            raise ConfigurationError(what)
        print(f"warning: {what}", file=sys.stderr)
    return {name: value for task in tasks if task not in empty for name, value in values[task].items()}
