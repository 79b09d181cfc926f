"""The paper's conditions, told from what was measured."""

from __future__ import annotations

from enum import Enum

from training.affinity.effects import Effect
from training.spread import HELPS, UNDECIDED


class Condition(Enum):
    """How two tasks stand to each other (Erkent 2026, Method, Conditions 1 to 3).

    The paper defines them by how many sub-functions (features) two tasks share: f_3i are those of both, f_3j of the
    first only, f_3k of the second only. These cannot be counted; what can be measured is what the paper says follows.
    X_1 and X_2 are the labels of the first and the second task.
    """

    ONE = "Condition 1"
    """More shared than uncommon features on both sides, ||f_3i|| > ||f_3j|| and ||f_3i|| > ||f_3k||: either task as the
    teacher's input improves the other. Here: both effects are above zero."""

    TWO = "Condition 2"
    """||f_3i|| > ||f_3j|| and ||f_3k|| > ||f_3i||: X_2 as input improves the first task, X_1 does not improve
    the second. Here: the effect of the second on the first is above zero, that of the first on the second below."""

    TWO_MIRRORED = "Condition 2, mirrored"
    """||f_3i|| > ||f_3k|| and ||f_3j|| > ||f_3i||: X_1 as input improves the second task, X_2 does not improve
    the first. Here: the effect of the first on the second is above zero, that of the second on the first below."""

    THREE = "Condition 3"
    """Fewer shared than uncommon features, ||f_3j|| > ||f_3i|| and ||f_3k|| > ||f_3i||: neither improves the other, or
    there were too few samples to tell. Here: both effects are below zero."""

    UNDECIDED = "undecided"
    """The interval of at least one of the two effects covers zero, or there is one seed only."""


def condition(first_on_second: Effect, second_on_first: Effect) -> Condition:
    """The condition of two tasks, from the two effects between them.

    "Does not improve" is asked to show as well as "improves": an interval that covers zero says neither.
    """
    if UNDECIDED in (first_on_second.verdict, second_on_first.verdict):
        return Condition.UNDECIDED
    helps = (first_on_second.verdict == HELPS, second_on_first.verdict == HELPS)
    return {
        (True, True): Condition.ONE,
        (False, True): Condition.TWO,
        (True, False): Condition.TWO_MIRRORED,
        (False, False): Condition.THREE,
    }[helps]


def in_words(found: Condition, first: str, second: str) -> str:
    """The condition of two named tasks, with the direction said."""
    meaning = {
        Condition.ONE: f"{first} and {second} improve each other",
        Condition.TWO: f"{second} improves {first}; given {first}, {second} is worse than without a teacher",
        Condition.TWO_MIRRORED: f"{first} improves {second}; given {second}, {first} is worse than without a teacher",
        Condition.THREE: f"given either of {first} and {second}, the other is worse than without a teacher",
        Condition.UNDECIDED: "",
    }[found]
    return f"{found.value}: {meaning}" if meaning else found.value
