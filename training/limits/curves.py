"""The curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.limits.study import LABELS, MEANING, LimitsStudy
from training.limits.summary import levels
from training.metrics.figures import ROBOT_FIGURES
from training.plot_file import draw_spreads, legend_below, plt, save_plot


def draw_curves(study: LimitsStudy, results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A column of panels a curve, a line a row; error bars are 95 % intervals of the mean over seeds."""
    rows = (*study.controls, *study.students)
    curves = list(study.curves)
    picture, axes = plt.subplots(
        len(ROBOT_FIGURES), len(curves), figsize=(1.5 + 3.8 * len(curves), 7), squeeze=False, sharey="row"
    )
    for line, (name, figure) in enumerate(ROBOT_FIGURES.items()):
        found = levels(results, name)
        for column, curve in enumerate(curves):
            panel = axes[line][column]
            for i, row in enumerate(rows):
                own = sorted((v for v in found if (v.curve, v.row) == (curve, row.name)), key=lambda v: v.value)
                if own:
                    draw_spreads(
                        panel,
                        {v.value: v.spread for v in own},
                        figure.scale,
                        label=row.title,
                        color=f"C{i}",
                        linestyle="-" if row in study.students else "--",
                    )
            if curve == LABELS:
                panel.set_xscale("log", base=2)
                panel.set_xticks(study.curves[curve], map("{:g}".format, study.curves[curve]))
                panel.minorticks_off()
            panel.grid(alpha=0.3)
            panel.set_xlabel(MEANING[curve] if line else "")
            panel.set_ylabel(figure.title if column == 0 else "")
    lines = legend_below(picture, columns=3)
    picture.suptitle(f"{study.name}: measured on {study.report}")
    picture.tight_layout(rect=(0, 0.05 + 0.03 * lines, 1, 1))
    save_plot(picture, path)
