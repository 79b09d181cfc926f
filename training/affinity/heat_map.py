"""The matrix as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from training.affinity.effects import Effect, relative_matrix
from training.plot_file import plt, save_plot
from training.spread import UNDECIDED


def draw_heat_map(tasks: Sequence[str], cells: Mapping[tuple[str, str], Effect], title: str, path: Path) -> None:
    """Per cent by which each task as input changes each other; in brackets where the interval covers zero.

    Args:
        tasks: in the order of rows and columns.
        cells: by task given and task measured; missing ones stay grey, as the diagonal.
        title: above it.
        path: PNG to write.
    """
    matrix = 100 * relative_matrix(tasks, cells)
    limit = max(1.0, float(np.nanmax(np.abs(matrix), initial=0)))
    figure, axes = plt.subplots(figsize=(2.6 + 1.25 * len(tasks), 1.8 + 0.85 * len(tasks)))
    colours = plt.get_cmap("RdBu").with_extremes(bad="0.85")
    image = axes.imshow(np.ma.masked_invalid(matrix), cmap=colours, vmin=-limit, vmax=limit, aspect="auto")
    for (given, task), effect in cells.items():
        row, column = tasks.index(given), tasks.index(task)
        if np.isnan(matrix[row, column]):
            continue
        text = f"{matrix[row, column]:+.1f}"
        if not np.isnan(effect.relative_half_width):
            text += f"\n± {100 * effect.relative_half_width:.1f}"
        if effect.verdict == UNDECIDED:
            text = f"({text})"
        dark = abs(matrix[row, column]) > 0.6 * limit
        axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black", fontsize=9)
    axes.set_xticks(range(len(tasks)), tasks)
    axes.set_yticks(range(len(tasks)), tasks)
    axes.set_xlabel("changes this task's student by, %")
    axes.set_ylabel("given as the teacher's input")
    axes.set_title(title, fontsize=10)
    figure.colorbar(image, ax=axes, label="% better (blue) or worse (red)")
    figure.tight_layout()
    save_plot(figure, path)
