"""Plots as PNG files, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from mtl_perception.atomic_write import write_atomically

matplotlib.use("Agg")  # No window: it works where there is no screen, and from any thread.
from matplotlib import pyplot as plt

__all__ = ["plt", "save_plot"]


def save_plot(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path`` and close it.

    Raises:
        OSError: the disk is full, or there is no permission.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    plt.close(figure)
    write_atomically(path, picture.getvalue())
