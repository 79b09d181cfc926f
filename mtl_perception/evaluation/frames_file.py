"""``frames.csv``: a line for each frame and network."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from mtl_perception.atomic_write import write_atomically
from mtl_perception.evaluation.model_scores import FrameScores

_FIGURES = [field.name for field in fields(FrameScores) if field.name not in ("index", "stamp")]


def write_frames(path: Path, scores: Mapping[str, Sequence[FrameScores]]) -> None:
    """Write the figures of every frame, in order of time and then of the networks, whose names ``scores`` has.

    Raises:
        OSError: it cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["index", "stamp_s", "model", *_FIGURES])
    for frame in zip(*scores.values(), strict=True):
        for name, figures in zip(scores, frame, strict=True):
            seconds, nanoseconds = divmod(figures.stamp, 10**9)
            values = (getattr(figures, column) for column in _FIGURES)
            shown = (round(v, 6) if isinstance(v, float) else v for v in values)
            writer.writerow([figures.index, f"{seconds}.{nanoseconds:09d}", name, *shown])
    write_atomically(path, text.getvalue().encode())
