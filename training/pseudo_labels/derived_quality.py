"""How good the labels of derived tasks are that a teacher gave, where the truth is known."""

from __future__ import annotations

import numpy as np

from training.datasets.derived.edges import EDGE, EDGE_CERTAIN, UNKNOWN_EDGE
from training.datasets.derived.sources import EDGES, NORMALS
from training.metrics.by_task import TaskMetrics


class DerivedPseudoLabelQuality:
    """Coverage, and the task's metrics over the pixels that are kept and over all.

    Args:
        task: normals, edges or offsets.
    """

    def __init__(self, task: str) -> None:
        self.task = task
        self._all, self._kept = TaskMetrics([task], 1), TaskMetrics([task], 1)
        self._pixels = np.zeros(3, np.int64)  # known; of these kept; of these right, for edges

    def update(self, predicted: np.ndarray, kept: np.ndarray, truth: np.ndarray) -> None:
        """Count a frame.

        Args:
            predicted: as ``PseudoFolder.read_whole`` gives it.
            kept: (H, W) bool, which pixels become labels.
            truth: as ``read_derived`` gives it.
        """
        if self.task == EDGES:
            known = truth != UNKNOWN_EDGE
            right = known & kept & ((predicted > 127) == (truth == EDGE))
            predicted = predicted / EDGE_CERTAIN
            # An edge that is kept is right also beside a true one that is not.
            self._kept.update(self.task, predicted, truth, counted=kept)
        else:
            known = (truth != 0).any(-1) if self.task == NORMALS else np.isfinite(truth).all(-1)
            nothing = np.float32(0 if self.task == NORMALS else np.nan)
            right = np.zeros(1)
            self._kept.update(self.task, predicted, np.where(kept[..., None], truth, nothing))
        self._all.update(self.task, predicted, truth)
        self._pixels += [np.count_nonzero(m) for m in (known, known & kept, right)]

    def compute(self) -> dict[str, float]:
        """All figures; NaN where there is nothing to divide by.

        Returns:
            ``known_pixels``; ``coverage``: share kept of the known pixels; the task's figures (``training.metrics``) of
            those kept, and ending in ``_all`` of all; for edges ``accuracy`` of those kept.
        """
        known, kept, right = (int(n) for n in self._pixels)
        return {
            "known_pixels": known,
            "coverage": kept / known if known else float("nan"),
            **({"accuracy": right / kept if kept else float("nan")} if self.task == EDGES else {}),
            **self._kept.compute(),
            **{f"{name}_all": value for name, value in self._all.compute().items()},
        }
