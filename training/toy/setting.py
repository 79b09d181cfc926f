"""One setting of the toy example: how everything is trained, where the paper leaves it open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from training.errors import ConfigurationError
from training.toy.functions import LABELLED, POINTS
from training.toy.network import ACTIVATIONS
from training.toy.train import OPTIMISERS

CHOICES = {
    "optimiser": tuple(OPTIMISERS),
    "activation": tuple(ACTIVATIONS),
    "student_labels": ("true_and_pseudo", "pseudo"),
}


@dataclass(frozen=True)
class Setting:
    """How to train; the same for every row.

    Attributes:
        hidden_layers: of 128 neurons each.
        activation: ``tanh`` or ``relu``, after each of them.
        optimiser: ``adam``, or ``sgd`` with momentum 0.9.
        rate: learning rate, constant.
        epochs: passes of each row over its own points: 160, or the student's 640.
        batch_size: points a step.
        student_labels: ``true_and_pseudo``, pseudo-labels only where the true one is hidden, or ``pseudo`` everywhere.
    """

    hidden_layers: int
    activation: str
    optimiser: str
    rate: float
    epochs: int
    batch_size: int
    student_labels: str

    @property
    def name(self) -> str:
        """All that it says, as a file's name."""
        return (
            f"{self.optimiser}-{self.rate:g}-{self.activation}-epochs{self.epochs}-hidden{self.hidden_layers}"
            f"-batch{self.batch_size}-{self.student_labels}"
        )

    @property
    def short_steps(self) -> int:
        """Steps of the epochs over the points that have both labels."""
        return self.epochs * math.ceil(LABELLED / self.batch_size)

    @property
    def long_steps(self) -> int:
        """Steps of as many epochs over all points: what the student takes."""
        return self.epochs * math.ceil(POINTS / self.batch_size)


def make_setting(values: Mapping[str, Any], where: str) -> Setting:
    """A setting of a YAML's values.

    Args:
        values: every field of ``Setting``, by name.
        where: where they were read, for errors.

    Raises:
        ConfigurationError: a field is unknown, missing, of the wrong kind or out of range.
    """
    check_keys(values, [field.name for field in fields(Setting)], where, all_of_them=True)
    for name, value in values.items():
        if name in CHOICES:
            if value not in CHOICES[name]:
                raise ConfigurationError(f"{where}: {name} is {value!r}, not one of {', '.join(CHOICES[name])}")
        elif name == "rate":
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                # YAML reads 3e-4, without the point, as a word.
                raise ConfigurationError(f"{where}: rate is {value!r}, not a number above 0, such as 3.0e-4")
        elif not is_count(value):
            raise ConfigurationError(f"{where}: {name} is {value!r}, not a whole number above 0")
    return Setting(**values)


def check_keys(values: object, known: Sequence[str], where: str, all_of_them: bool = False) -> None:
    """Refuse what is no mapping, keys that nobody reads and, with ``all_of_them``, missing ones.

    Raises:
        ConfigurationError: says which, and which there are.
    """
    if not isinstance(values, Mapping):
        raise ConfigurationError(f"{where} is {values!r}, not fields and their values")
    if unknown := [key for key in values if key not in known]:
        raise ConfigurationError(f"{where}: unknown {unknown[0]!r}; known: {', '.join(known)}")
    if all_of_them and (missing := [key for key in known if key not in values]):
        raise ConfigurationError(f"{where} lacks {', '.join(missing)}")


def is_count(value: object) -> bool:
    """Whether it is a whole number above 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
