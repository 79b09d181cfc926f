"""Where the first weights of a training come from, and what they have learnt before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mtl_perception.model_card import TrainingData
from training.checkpoint import TrainedNetwork
from training.datasets.data_module import FolderData
from training.errors import ConfigurationError
from training.trained_on import budget_by_data, budgets_of_all, data_of_all


@dataclass(frozen=True)
class FirstWeights:
    """A checkpoint whose weights a network starts from, usually its teacher's.

    Attributes:
        path: of it.
        training_data: what it was trained on.
        budgets: digest of the label budget by data set; None: written before checkpoints told.
    """

    path: str
    training_data: tuple[TrainingData, ...]
    budgets: Mapping[str, str] | None

    @classmethod
    def of(cls, path: str, trained: TrainedNetwork) -> FirstWeights:
        """Those of a checkpoint that was read."""
        return cls(path, trained.training_data, trained.budgets)

    def check_budgets(self, data: FolderData) -> None:
        """Make sure that they know no labels that are hidden from the training to come.

        Raises:
            ConfigurationError: they were trained on its data set with another label budget, or with none.
        """
        if self.budgets is None:
            return
        known = {entry.name for entry in self.training_data}
        for budget in (choice.budget for choice in data.choices if choice.budget):
            if budget.dataset in known and self.budgets.get(budget.dataset) != budget.digest:
                raise ConfigurationError(
                    f"{self.path} was trained on {budget.dataset!r} without this training's label budget: it may have "
                    "learnt the very labels that are hidden now; give both the same"
                )

    def doubt(self, data: FolderData) -> str:
        """What is to be said where they may have learnt the frames that are held out; else nothing.

        A checkpoint does not tell which frames it was trained on, and where a budget hides labels, those that are seen
        of the frames held out are likely the very ones.
        """
        held = data.validation_source
        if held is None or held.folder.name not in {entry.name for entry in self.training_data}:
            return ""
        return (
            f"Warning: {self.path} was trained on {held.folder.name}, perhaps on the very frames that are held out: "
            "their figures, and which checkpoint is the best by them, may flatter. Better hold out frames of another "
            "data set: name it first."
        )

    def add_to(self, told: dict[str, Any]) -> None:
        """Tell in what a checkpoint says of its data (``FolderData.state_dict``) of theirs too: its licences bind.

        A budget is told of a data set only where they and the training saw it alike.
        """
        ours = [TrainingData(**entry) for entry in told["training_data"]]
        within = [budget_by_data(self.training_data, self.budgets or {}), budget_by_data(ours, told["budgets"])]
        told["budgets"] = budgets_of_all(within)
        told["training_data"] = [asdict(entry) for entry in data_of_all([ours, self.training_data])]
