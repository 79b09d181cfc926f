"""frames.csv, one line a frame and model: how the figures go over the recording."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

COLUMNS = ("stamp_s", "depth_abs_rel", "depth_rmse", "pixel_accuracy", "network_ms")
"""The columns that are read; any may be missing."""
_POINTS = 120
"""More points than that, of several models, are hard to tell apart."""


class FrameLines:
    """Columns of frames.csv for each model, in the order of the file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        columns: dict[str, dict[str, list[float]]] = {}
        with open(path, newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                mine = columns.setdefault(line.get("model") or "", {name: [] for name in COLUMNS})
                for name in COLUMNS:
                    mine[name].append(_number(line.get(name)))
        self._columns = {m: {n: np.array(v) for n, v in c.items()} for m, c in columns.items()}
        stamps = [c["stamp_s"] for c in self._columns.values()]
        self.by_time = bool(stamps) and all(np.isfinite(s).all() and (np.diff(s) >= 0).all() for s in stamps)
        """Whether stamps never jump back, so that x can be time; else it is the number of the frame."""
        self._begin = min((float(s[0]) for s in stamps if s.size), default=0.0) if self.by_time else 0.0

    def values(self, model: str, column: str) -> np.ndarray:
        """The finite values of a column, (n,) float64."""
        found = self._columns.get(model, {}).get(column, np.empty(0))
        return found[np.isfinite(found)]

    def frames_a_point(self, model: str) -> int:
        """How many frames, at most, ``points`` takes together."""
        return -(-max((c.size for c in self._columns.get(model, {}).values()), default=0) // _POINTS)

    def points(self, model: str, column: str) -> list[tuple[float, float]]:
        """Seconds from the first frame (or number of the frame) and value, at most 120: medians of runs of frames."""
        values = self._columns.get(model, {}).get(column, np.empty(0))
        known = np.isfinite(values)
        if not known.any():
            return []
        xs = self._columns[model]["stamp_s"] - self._begin if self.by_time else np.arange(values.size, dtype=float)
        runs = min(_POINTS, int(known.sum()))
        return [
            (float(np.median(x)), float(np.median(y)))
            for x, y in zip(np.array_split(xs[known], runs), np.array_split(values[known], runs), strict=True)
        ]


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
