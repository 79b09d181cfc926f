"""The paper's Figure 3, and the sweep, as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.plot_file import plt, save_plot
from training.toy.experiment import CURVE_STEP, ROWS
from training.toy.functions import GRID, f2
from training.toy.order import LENGTHS, SAME_EPOCHS, SAME_STEPS

COLOURS = {"st": "tab:blue", "mtl": "tab:orange", "ts": "tab:green"}


def draw(main: Mapping[str, Any], sweep: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Left f2 as learnt with the same epochs and with the same steps, right the student against the others.

    Args:
        main: what ``run_setting`` returned of the main setting, curves and all.
        sweep: the same of the sweep's settings.
        path: of the PNG.
    """
    picture, (epochs, steps, errors) = plt.subplots(1, 3, figsize=(16, 4.8))
    for panel, comparison in ((epochs, SAME_EPOCHS), (steps, SAME_STEPS)):
        panel.plot(GRID, f2(GRID), color="black", linewidth=3, alpha=0.4, label="true f2")
        for row, colour in COLOURS.items():
            length = LENGTHS[comparison][row]
            label = f"{ROWS[row]}, {main[f'{length}_steps']} steps"
            panel.plot(GRID[::CURVE_STEP], main["curves"][row][length], color=colour, label=label)
        panel.set_xlabel("z")
        panel.set_ylabel("f2")
        panel.set_title(f"main setting, first seed: {comparison}")
    ends = []
    for comparison, marker in ((SAME_EPOCHS, "o"), (SAME_STEPS, "x")):
        lengths = LENGTHS[comparison]
        for row in ("st", "mtl"):
            others = [np.mean(result["errors"][row][lengths[row]]) for result in sweep]
            students = [np.mean(result["errors"]["ts"][lengths["ts"]]) for result in sweep]
            ends += [min(others + students), max(others + students)]
            label = f"against {ROWS[row]}, {comparison}"
            errors.scatter(others, students, s=28, c=COLOURS[row], marker=marker, label=label)
    errors.set_xscale("log")
    errors.set_yscale("log")
    errors.plot([min(ends), max(ends)], [min(ends), max(ends)], color="grey", linewidth=1)
    errors.set_xlabel("mean squared error of ST or MTL")
    errors.set_ylabel("mean squared error of T-S")
    errors.set_title("the sweep: below the line the student is better")
    for panel in (epochs, steps, errors):
        panel.legend(frameon=False, fontsize=8)
        panel.grid(alpha=0.3)
    picture.tight_layout()
    save_plot(picture, path)
