"""Which frame keeps which label, in a file, so that a run can be repeated exactly.

The method is for data whose tasks are not labelled equally often (paper, Method: labels of both tasks for
the frames A, of one task only for the frames B). A budget makes such data of a data set folder that has
more labels: labels that it does not list count as missing. ``label_drawing`` draws one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetFolder, check_name
from training.datasets.derived.sources import DERIVED_FROM, carries, source_kind
from training.errors import ConfigurationError

TASKS = ("depth", "semantic", "instance", "pose", *DERIVED_FROM)
"""Kinds of label that a budget can deal out: folders of a data set folder, and what is derived of them."""


@dataclass(frozen=True)
class LabelBudget:
    """The labels of a data set that a training may see.

    Attributes:
        dataset: name of the data set's folder.
        split: the split of it that was drawn from, or None for all its frames.
        seed: of the draw.
        rule: how it was drawn, in words.
        labels: task to the names of the frames that keep its label. A task that is no key keeps all; but a derived one
            keeps what its source keeps, lest edges tell of classes that are hidden.

    Raises:
        ConfigurationError: a task is unknown, a name cannot name a frame, or a task lists a frame twice.
    """

    dataset: str
    split: str | None
    seed: int
    rule: str
    labels: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        for task, names in self.labels.items():
            check_task(task)
            for name in names:
                try:
                    check_name(name)
                except DatasetError as error:
                    raise ConfigurationError(f"{task}: {error}") from error
            name, times = max(Counter(names).items(), key=lambda item: item[1], default=("", 0))
            if times > 1:
                raise ConfigurationError(f"{task} lists frame {name} {times} times")

    @cached_property
    def _kept(self) -> dict[str, frozenset[str]]:
        return {task: frozenset(names) for task, names in self.labels.items()}

    @property
    def digest(self) -> str:
        """SHA-256 of the labels it leaves: two budgets that show a training the same have the same."""
        content = [self.dataset, sorted((task, sorted(names)) for task, names in self.labels.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def keeps(self, task: str, name: str) -> bool:
        """Whether frame ``name`` keeps its label of ``task``."""
        listed = task if task in self._kept else DERIVED_FROM.get(task)
        return listed not in self._kept or name in self._kept[listed]

    def frames(self, *tasks: str) -> list[str]:
        """Frames that keep the labels of all of ``tasks`` that the budget lists, sorted; none where it lists none."""
        listed = [self._kept[task] for task in tasks if task in self._kept]
        return sorted(frozenset.intersection(*listed)) if listed else []

    def any_frames(self) -> list[str]:
        """Frames that keep at least one of the labels the budget lists, sorted."""
        return sorted(frozenset().union(*self._kept.values()))

    def check(self, folder: DatasetFolder) -> None:
        """Make sure that this is a budget of ``folder``, and that every label it lists is there.

        Raises:
            ConfigurationError: it is the budget of another folder, or lists a frame that the split does not
                have, or a label that the frame does not have.
        """
        if folder.name != self.dataset:
            raise ConfigurationError(f"the budget is for the data set {self.dataset!r}, not {folder.name!r}")
        try:
            known = set(folder.names(self.split))
        except DatasetError as error:
            raise ConfigurationError(str(error)) from error
        for task, names in self.labels.items():
            for name in names:
                if name not in known:
                    source = source_name(str(folder.root), self.split)
                    raise ConfigurationError(f"{task} lists frame {name}, which {source} does not have")
                if not carries(folder, task, name):
                    missing = folder.path(source_kind(task), name)
                    raise ConfigurationError(f"{task} lists frame {name}, which has no {missing}")

    def to_json(self) -> str:
        """The text of a budget file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LabelBudget:
        """Read a budget; keys it does not know are left alone.

        Raises:
            ConfigurationError: it is not JSON, lacks a field, or a field makes no sense.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
            raise ConfigurationError(f"it is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise ConfigurationError("it is not a JSON object")
        fields = {key: _field(data, key, *types) for key, types in _FIELDS.items()}
        labels = fields.pop("labels")
        for task, names in labels.items():
            if not isinstance(names, list):
                raise ConfigurationError(f"{task} must be a list of frame names")
        return cls(labels={task: tuple(names) for task, names in labels.items()}, **fields)

    @classmethod
    def read(cls, path: str | os.PathLike[str], folder: DatasetFolder | None = None) -> LabelBudget:
        """Read a budget file, and ``check`` it against ``folder`` if one is given.

        Raises:
            ConfigurationError: it cannot be read, is no budget, or does not fit the folder; the message names it.
        """
        try:
            budget = cls.from_json(Path(path).read_text(encoding="utf-8"))
            if folder:
                budget.check(folder)
        except OSError as error:
            raise ConfigurationError(f"cannot read the label budget {path}: {error.strerror}") from error
        except (ConfigurationError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"label budget {path}: {error}") from error
        return budget

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the budget file, whole or not at all."""
        write_atomically(Path(path), self.to_json().encode())


_FIELDS: dict[str, tuple[type, ...]] = {
    "dataset": (str,),
    "split": (str, type(None)),
    "seed": (int,),
    "rule": (str,),
    "labels": (dict,),
}
_TYPE_NAMES = {str: "text", type(None): "null", int: "a whole number", dict: "an object of lists of frame names"}


def _field(data: dict[str, Any], key: str, *types: type) -> Any:
    if key not in data:
        raise ConfigurationError(f"it lacks {key!r}")
    if type(data[key]) not in types:  # isinstance would take true for a number
        raise ConfigurationError(f"{key} must be {' or '.join(_TYPE_NAMES[t] for t in types)}")
    return data[key]


def check_task(task: str) -> str:
    """Return ``task`` if frames can have labels of it.

    Raises:
        ConfigurationError: they cannot.
    """
    if task not in TASKS:
        raise ConfigurationError(f"unknown task {task!r}; known: {', '.join(TASKS)}")
    return task


def source_name(dataset: str, split: str | None) -> str:
    """``DATASET:SPLIT``, or ``DATASET`` for all its frames."""
    return dataset if split is None else f"{dataset}:{split}"
