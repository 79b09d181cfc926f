"""The curves of a study: every row's figures over training steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

from training.metrics.figures import ROBOT_FIGURES
from training.plot_file import draw_spreads, legend_below, plt, save_plot
from training.reproduce.study import Study
from training.reproduce.summary import cells


def draw_curves(study: Study, results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One column of panels a budget; error bars are 95 % intervals of the mean over seeds.

    Rows that look at what a panel measures are left out of it.
    """
    budgets = list(dict.fromkeys(r["budget_name"] for r in results))
    found = cells(results, study.report)
    rows = study.with_teachers()
    picture, axes = plt.subplots(
        len(ROBOT_FIGURES), len(budgets), figsize=(1.5 + 4.2 * len(budgets), 8.5), squeeze=False, sharey="row"
    )
    colours = plt.get_cmap("tab10" if len(rows) <= 10 else "tab20")
    for column, budget in enumerate(budgets):
        for line, (name, figure) in enumerate(ROBOT_FIGURES.items()):
            panel = axes[line][column]
            for i, row in enumerate(rows):
                if figure.task in row.inputs:
                    continue
                own = sorted(
                    (c for c in found if (c.row, c.budget) == (row.name, budget) and name in c.figures),
                    key=lambda c: c.steps,
                )
                if own:
                    draw_spreads(
                        panel,
                        # Side by side, so that bars do not hide one another.
                        {c.steps * (1 + 0.012 * i): c.figures[name] for c in own},
                        figure.scale,
                        label=row.title,
                        color=colours(i),
                        linestyle="--" if row.name == "ceiling" else "-",
                    )
            panel.set_xscale("log", base=2)
            panel.set_xticks(list(study.steps) or sorted({c.steps for c in found}))
            panel.xaxis.set_major_formatter(matplotlib.ticker.ScalarFormatter())
            panel.grid(alpha=0.3)
            panel.set_title(budget.replace("-", ", ") if line == 0 else "")
            panel.set_xlabel("training steps" if line else "")
            panel.set_ylabel(figure.title if column == 0 else "")
    lines = legend_below(picture, columns=len(budgets))
    picture.suptitle(f"{study.name}: measured on {study.report}")
    picture.tight_layout(rect=(0, 0.03 + 0.025 * lines, 1, 1))
    save_plot(picture, path)
