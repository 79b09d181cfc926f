"""The curves as tables and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.degrade.localisation import LOCALISATION
from training.limits.plan import cost
from training.limits.study import LABELS, TAU, LimitsStudy
from training.limits.summary import Verdict, levels, verdicts
from training.metrics.figures import ROBOT_FIGURES, TaskFigure
from training.plot_file import plt, save_plot
from training.reproduce.table import steps_behind
from training.results_page import markdown_table
from training.spread import HELPS, HURTS, UNDECIDED

MEANING = {
    TAU: "softmax above which a class is learnt",
    LABELS: "labels of the scarce task",
    "kinect": "noise of a Kinect, times",
    "disparity": "noise of disparity, pixels at a width of 640",
    "holes": "share of depth that is missing",
    LOCALISATION: "errors of poses, cm and half degrees",
}


def markdown(study: LimitsStudy, results: Sequence[Mapping[str, Any]], picture: str) -> str:
    """Every curve and figure as a table."""
    titles = {row.name: row.title for row in (*study.controls, *study.students)}
    seeds = len({r["seed"] for r in results})
    lines = [f"# Limits: {study.name}", ""]
    if seeds < 2:
        lines += ["**A pilot: one seed has no interval, so nothing here is decided.**", ""]
    budget = ", ".join(f"{count} frames with {task}" for task, count in study.budget.items())
    lines += [
        f"`{study.dataset}:{study.split}`, {budget} unless a curve says otherwise; measured on "
        f"{max(r['frames'] for r in results)} frames of `{study.report}`, whose depth is as it is. "
        f"{_lengths(study)}"
        f"{steps_behind(study.students)} {cost(study)}.",
        "",
        f"Means over {seeds} seeds with half the 95 % interval (Student's t); mIoU is over the classes present. The "
        "last columns: what a student has over the best control there, which is named, seed by seed, positive is "
        "better; `?` where the interval covers zero, or there is one seed.",
        "",
        *(f"- {line}" for line in in_words(study, results)),
        "",
        f"![curves]({picture})",
        "",
    ]
    for name, figure in ROBOT_FIGURES.items():
        found = levels(results, name)
        judged = {(v.curve, v.value, v.student): v for v in verdicts(found, name)}
        for curve in study.curves:
            rows = list(dict.fromkeys(level.row for level in found if level.curve == curve))
            students = [row for row in rows if any((v[0], v[2]) == (curve, row) for v in judged)]
            if not rows:
                continue
            head = [MEANING[curve], *(titles[r] for r in rows), *(f"{titles[s]}: gain" for s in students)]
            table = []
            for value in sorted({level.value for level in found if level.curve == curve}):
                here = {level.row: level for level in found if (level.curve, level.value) == (curve, value)}
                cells = [figure.told_spread(here[r].spread) if r in here else "-" for r in rows]
                gains = [judged.get((curve, value, s)) for s in students]
                told = [_gain(g, figure, titles) if g else "-" for g in gains]
                table.append([f"{value:g}", *cells, *told])
            lines += [f"## {curve}: {figure.title}", "", *markdown_table(head, table), ""]
    return "\n".join(lines)


def in_words(study: LimitsStudy, results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of every curve, student and figure one line: where pseudo-labels help, hurt, or nothing is decided."""
    titles = {row.name: row.title for row in study.students}
    lines = []
    for curve in study.curves:
        for name, figure in ROBOT_FIGURES.items():
            judged = sorted(verdicts(levels(results, name), name), key=lambda v: v.value)
            for student in study.students:
                own = [v for v in judged if (v.curve, v.student) == (curve, student.name)]
                at = {
                    word: ", ".join(f"{v.value:g}" for v in own if v.difference.verdict == word)
                    for word in (HELPS, UNDECIDED, HURTS)
                }
                told = "; ".join(f"{word} at {values}" for word, values in at.items() if values)
                if told:
                    lines.append(f"**{MEANING[curve]}**, {figure.title.split(',')[0]}, {titles[student.name]}: {told}")
    return lines


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
                    panel.errorbar(
                        [v.value for v in own],
                        [figure.scale * v.spread.mean for v in own],
                        yerr=[np.nan_to_num(figure.scale * v.spread.half_width) for v in own],
                        label=row.title,
                        color=f"C{i}",
                        linestyle="-" if row in study.students else "--",
                        marker="o",
                        markersize=4,
                        capsize=3,
                    )
            if curve == LABELS:
                panel.set_xscale("log", base=2)
                panel.set_xticks(study.curves[curve], map("{:g}".format, study.curves[curve]))
                panel.minorticks_off()
            panel.grid(alpha=0.3)
            panel.set_xlabel(MEANING[curve] if line else "")
            panel.set_ylabel(figure.title if column == 0 else "")
    lines = {label: h for panel in axes.flat for h, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    picture.legend(lines.values(), lines.keys(), loc="lower center", ncols=3, frameon=False)
    picture.suptitle(f"{study.name}: measured on {study.report}")
    picture.tight_layout(rect=(0, 0.05 + 0.03 * -(-len(lines) // 3), 1, 1))
    save_plot(picture, path)


def _lengths(study: LimitsStudy) -> str:
    if not any(row.teacher for row in study.students):
        return f"All rows took {study.steps} steps."
    return f"All rows but teachers took {study.steps} steps, teachers {study.teacher_steps or study.steps}."


def _gain(gain: Verdict, figure: TaskFigure, titles: Mapping[str, str]) -> str:
    word = "?" if gain.difference.verdict == UNDECIDED else gain.difference.verdict
    return f"{figure.told_spread(gain.difference, '+')} {word} ({titles[gain.over]})"
