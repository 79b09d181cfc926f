"""What must hold of the data before a matrix of tasks is worth its trainings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from training.affinity.study import AffinityStudy
from training.datasets.data_module import BATCH_SIZE
from training.datasets.derived.edges import UNKNOWN_EDGE
from training.datasets.derived.sources import EDGES, NORMALS, carries
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.metrics.by_task import read_truth
from training.models.tasks import DEPTH, SEMANTIC


def checked(study: AffinityStudy, root: str) -> AffinityStudy:
    """The study, ``plenty`` of 0 replaced by what there is.

    Raises:
        ConfigurationError: no frame has all labels, or fewer than are asked for; the frames to measure on lack a task;
            or a task's label is the same everywhere.
        DatasetError: there are no such folders or splits, or a file is damaged.
    """
    source, report = Source.parse(study.source, root), Source.parse(study.report, root)
    carrying = {task: [n for n in source.names if carries(source.folder, task, n)] for task in study.tasks}
    for task, names in carrying.items():
        if not names:
            raise ConfigurationError(f"no frame of {study.source} has {task}")
        if not any(carries(report.folder, task, n) for n in report.names):
            raise ConfigurationError(f"no frame of {study.report} has {task}: there is nothing to measure it on")
    common = sorted(set.intersection(*map(set, carrying.values())))
    if not common:
        counts = ", ".join(f"{len(names)} have {task}" for task, names in carrying.items())
        raise ConfigurationError(
            f"no frame of {study.source} has {' and '.join(study.tasks)} together ({counts}); "
            "a teacher needs common frames"
        )
    study = replace(study, plenty=study.plenty or min(map(len, carrying.values())))
    _check_counts(study, {task: len(names) for task, names in carrying.items()}, len(common))
    for task in study.tasks:
        if _is_constant(task, (read_truth(source.folder, task, name) for name in common)):
            raise ConfigurationError(
                f"{task} is the same wherever it is known in the {len(common)} common frames of {study.source}: "
                "there is nothing to learn; leave it out of tasks"
            )
    return study


def _check_counts(study: AffinityStudy, carrying: dict[str, int], common: int) -> None:
    batch = int(study.fit.get("data", {}).get("batch_size", BATCH_SIZE))
    if study.few > common:
        raise ConfigurationError(
            f"few={study.few}: only {common} frames of {study.source} have all of the tasks' labels"
        )
    if study.few < batch:
        raise ConfigurationError(
            f"few={study.few} frames do not fill a batch of {batch}: take more, or a smaller batch_size"
        )
    for task, count in carrying.items():
        if study.plenty > count:
            raise ConfigurationError(f"plenty={study.plenty}: only {count} frames of {study.source} have {task}")
    if study.plenty <= study.few:
        raise ConfigurationError(
            f"plenty={study.plenty} is not more than few={study.few}: a teacher would have nothing to label"
        )


def _is_constant(task: str, labels: Iterable[np.ndarray]) -> bool:
    """Whether a task's label has one value only; reads no more frames than it takes to find a second."""
    first: np.ndarray | None = None
    for label in labels:
        values = _known(task, label)
        if not len(values):
            continue
        first = values[0] if first is None else first
        # Directions that differ by less than a degree are those of one plane.
        if np.abs(values - first).max() > (0.01 if task == NORMALS else 0):
            return False
    return True


def _known(task: str, label: np.ndarray) -> np.ndarray:
    """(N, C) values of the pixels where the label is known."""
    if task in (DEPTH, SEMANTIC):
        return label[label > 0].astype(np.float64)[:, None]
    if task == EDGES:
        return label[label != UNKNOWN_EDGE].astype(np.float64)[:, None]
    return label[(label != 0).any(-1)] if task == NORMALS else label[np.isfinite(label).all(-1)]
