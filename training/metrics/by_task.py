"""The metrics of any set of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.metrics import DepthMetrics, SegmentationMetrics
from training.datasets.derived.sources import EDGES, NORMALS, OFFSETS, read_derived
from training.datasets.true_classes import read_true_classes
from training.metrics.edges import EdgeMetrics
from training.metrics.normals import NormalMetrics
from training.metrics.offsets import OffsetMetrics
from training.models.tasks import DEPTH, SEMANTIC


class TaskMetrics:
    """The metrics of some tasks, each fed where a frame has its label.

    Args:
        tasks: their names.
        classes: number N of classes.
    """

    def __init__(self, tasks: Sequence[str], classes: int) -> None:
        makers = {
            DEPTH: DepthMetrics,
            SEMANTIC: lambda: SegmentationMetrics(classes),
            NORMALS: NormalMetrics,
            EDGES: EdgeMetrics,
            OFFSETS: OffsetMetrics,
        }
        self.by_task: dict[str, Any] = {task: makers[task]() for task in tasks}
        self.measured: set[str] = set()

    def reset(self) -> None:
        """Forget every frame."""
        self.measured.clear()
        for metrics in self.by_task.values():
            metrics.reset()

    def update(self, task: str, predicted: np.ndarray, target: np.ndarray, **how: Any) -> None:
        """Add a frame of a task; ``how`` goes to its metrics."""
        self.by_task[task].update(predicted, target, **how)
        self.measured.add(task)

    def compute(self) -> dict[str, float]:
        """The figures of the tasks that were measured."""
        return {k: v for task, m in self.by_task.items() if task in self.measured for k, v in m.compute().items()}


def read_truth(folder: DatasetFolder, task: str, name: str) -> np.ndarray:
    """What a frame's prediction is measured against, at the frame's own size.

    Raises:
        DatasetError: the label is not there, or damaged, or holds a class id that ``dataset.json`` does not name.
    """
    if task == DEPTH:
        return folder.read_depth(name)
    if task == SEMANTIC:
        return read_true_classes(folder, name)
    return read_derived(folder, task, name)
