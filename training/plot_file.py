"""Plots of figures of several seeds, and as PNG files, whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtl_perception.atomic_write import write_atomically
from training.spread import Spread

matplotlib.use("Agg")  # No window: it works where there is no screen, and from any thread.
from matplotlib import pyplot as plt

__all__ = ["draw_spreads", "legend_below", "plt", "save_plot"]


def save_plot(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path`` and close it.

    Raises:
        OSError: the disk is full, or there is no permission.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    plt.close(figure)
    write_atomically(path, picture.getvalue())


def draw_spreads(panel: Axes, spreads: Mapping[float, Spread], scale: float, **look: Any) -> None:
    """A line of means with their intervals.

    Args:
        panel: to draw into.
        spreads: by their place along the axis, in order.
        scale: what figures are multiplied by.
        look: of the line: label, colour, style.
    """
    panel.errorbar(
        list(spreads),
        [scale * spread.mean for spread in spreads.values()],
        yerr=[np.nan_to_num(scale * spread.half_width) for spread in spreads.values()],
        marker="o",
        markersize=4,
        capsize=3,
        **look,
    )


def legend_below(picture: Figure, columns: int) -> int:
    """One legend for all panels, of which each may have some of the lines only; returns how many rows it has."""
    lines = {label: h for panel in picture.axes for h, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    picture.legend(lines.values(), lines.keys(), loc="lower center", ncols=columns, frameon=False)
    return -(-len(lines) // columns)
