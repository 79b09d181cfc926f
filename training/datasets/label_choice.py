"""Which labels of a data set a training may see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtl_perception.dataset_folder import DatasetFolder
from training.datasets.derived.sources import carries
from training.datasets.label_budget import LabelBudget
from training.datasets.pseudo_folder import PseudoFolder


@dataclass(frozen=True)
class LabelChoice:
    """Which labels of a data set a training may see.

    Attributes:
        budget: the frames that keep a label; None: every label on disk.
        pseudo: pseudo-labels for the frames without one; None: none.
        soft: take a teacher's probabilities where there are such, instead of its confident classes.
        least: (N + 1,) uint8, the least confidence by class; None: the one threshold of the pseudo-labels.
        derived: the derived tasks (``derived.sources``) whose labels are made; what nobody wants costs nothing.
    """

    budget: LabelBudget | None = None
    pseudo: PseudoFolder | None = None
    soft: bool = False
    least: np.ndarray | None = None
    derived: tuple[str, ...] = ()

    def has(self, folder: DatasetFolder, kind: str, name: str) -> bool:
        """Whether frame ``name`` has a true label of this kind that may be seen."""
        return carries(folder, kind, name) and (self.budget is None or self.budget.keeps(kind, name))

    def offers(self, folder: DatasetFolder, kind: str, name: str) -> bool:
        """Whether frame ``name`` has a label of this kind to learn, true or a teacher's."""
        return self.has(folder, kind, name) or (self.pseudo is not None and self.pseudo.has(kind, name))


ALL_LABELS = LabelChoice()
