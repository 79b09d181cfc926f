"""What is taken for what: the confusion matrix, row by row as shares of the true class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_perception.evaluation.report import figures as fmt

_LARGEST = 24
"""Classes drawn; more would be too small to read."""
_WORTH_TELLING = 0.005
"""Shares below are not written into the matrix, and columns with no other are not drawn."""


@dataclass(frozen=True)
class Square:
    """One cell: ``share`` 0..1 of the true class's pixels, written as ``text``; ``right`` on the diagonal."""

    share: float
    text: str
    right: bool


@dataclass(frozen=True)
class Confusion:
    """A matrix as it is drawn.

    Attributes:
        model: whose.
        columns: names of what was predicted.
        rows: name of each true class, and its cells.
        left_out: classes in the truth that are not drawn as they have the fewest pixels.
    """

    model: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Square, ...]], ...]
    left_out: int


@dataclass(frozen=True)
class Mistake:
    """``share`` of the pixels of ``true`` were taken for ``taken_for``; None: they got no class."""

    true: str
    taken_for: str | None
    share: float


def confusion(model: Mapping[str, Any]) -> Confusion | None:
    """The matrix of a model, of the classes in its truth with the most pixels; None without a labelled pixel."""
    counts = _counts(model)
    if counts is None:
        return None
    names = _names(model, len(counts))
    totals = counts.sum(1)
    present = [int(i) for i in np.argsort(-totals, kind="stable") if totals[i]]
    shown = present[:_LARGEST]
    shares = counts / np.maximum(totals, 1)[:, None]
    predicted = [int(i) for i in np.argsort(-counts[:, :-1].sum(0), kind="stable") if counts[:, i].any()]
    worth = [i for i in predicted if i not in present and shares[shown, i].max() >= _WORTH_TELLING]
    columns = shown + worth[: _LARGEST - len(shown)]
    others = [i for i in predicted if i not in columns]
    rows = []
    for i in shown:
        cells = [_square(shares[i, j], i == j) for j in columns]
        cells += [_square(shares[i, others].sum(), False)] if others else []
        cells += [_square(shares[i, -1], False)] if counts[:, -1].any() else []
        rows.append((names[i], tuple(cells)))
    titles = [names[i] for i in columns] + ["any other"] * bool(others) + ["no class"] * bool(counts[:, -1].any())
    return Confusion(fmt.text(model, "name"), tuple(titles), tuple(rows), len(present) - len(shown))


def mistakes(model: Mapping[str, Any], most: int) -> list[Mistake]:
    """The ``most`` mistakes that cost most pixels, the costliest first."""
    counts = _counts(model)
    if counts is None:
        return []
    names = _names(model, len(counts))
    totals = counts.sum(1)
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    places = [np.unravel_index(i, wrong.shape) for i in order]
    return [
        Mistake(names[i], names[j] if j < len(names) else None, float(wrong[i, j] / totals[i]))
        for i, j in places
        if wrong[i, j]
    ]


def _square(share: float, right: bool) -> Square:
    return Square(round(float(share), 3), f"{100 * share:.0f}" if share >= _WORTH_TELLING else "", right)


def _counts(model: Mapping[str, Any]) -> np.ndarray | None:
    """(N, N + 1) float64 pixel counts, or None where there are none."""
    rows = fmt.part(model, "segmentation", "confusion")
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        return None
    counts = np.asarray(rows, np.float64)
    return counts if counts.sum() else None


def _names(model: Mapping[str, Any], classes: int) -> list[str]:
    """Names of the ids 1..``classes``."""
    told = {c.get("id"): fmt.text(c, "name") for c in fmt.entries(model, "segmentation", "classes")}
    return [told.get(i, f"class {i}") for i in range(1, classes + 1)]
