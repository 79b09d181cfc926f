"""What a figure is: how it is measured, and the rows it fills of the table for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """One row of the table; ``met`` says whether the goal, if there is one, was."""

    what: str
    value: str
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Figure:
    """Something that can be measured.

    Attributes:
        title: in the table.
        how: what is measured and how, for people.
        measure: measures it with the network file given, leaving pictures, if any, in the folder
            given; returns values that JSON can hold.
        rows: what of these values goes into the table.
        picture: file name of the picture that ``measure`` leaves, if it does.
    """

    title: str
    how: str
    measure: Callable[[Path, Path], dict[str, Any]]
    rows: Callable[[dict[str, Any]], list[Row]]
    picture: str = ""


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Median, 95th percentile, smallest and largest of ``values``; None when there are none."""
    if not len(values):
        return None
    return {
        "median": float(np.median(values)),
        "p95": float(np.percentile(values, 95)),
        "min": float(np.min(values)),
        "max": float(np.max(values)),
    }


def median_and_p95(timing: dict[str, float] | None) -> str:
    """``spread`` of many milliseconds in words."""
    return f"{timing['median']:.2f} ms, p95 {timing['p95']:.2f} ms" if timing else "none"


def median_and_range(timing: dict[str, float], unit: str = "ms") -> str:
    """``spread`` of a few times in words."""
    return f"{timing['median']:.2f} {unit} ({timing['min']:.2f} to {timing['max']:.2f})"
