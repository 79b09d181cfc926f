"""The table of a study as Markdown, beside the paper's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.metrics.figures import MAIN_FIGURES, ROBOT_FIGURES, TaskFigure
from training.models.tasks import DEPTH, SEMANTIC
from training.reproduce.classes import by_class
from training.reproduce.row import Row
from training.reproduce.study import Study
from training.reproduce.summary import at_best_length, cells, gains
from training.results_page import markdown_table
from training.spread import Spread

FIGURES = {**ROBOT_FIGURES, "log_rmse": TaskFigure(DEPTH, "log_rmse", False, "log rmse", digits=3)}
PAPER = {"miou_present": "miou"}
"""Our name of a figure to its name in a row's ``paper``, where that is another."""
GAIN_COLUMNS = ("row", *(part for figure in ROBOT_FIGURES.values() for part in (figure.title, "over")))
PAIRED = "seed by seed (positive is better; half the 95 % interval; in brackets the share of the way to the ceiling)"
"""How gains are told, above their tables."""


def markdown(study: Study, results: Sequence[Mapping[str, Any]]) -> str:
    """Tables for each budget: every length, each row at its best length, and what pseudo-labels gain, also by class."""
    rows = study.with_teachers()
    lines = [_convention(study)]
    for budget in dict.fromkeys(r["budget_name"] for r in results):
        mine = [r for r in results if r["budget_name"] == budget]
        lines += [f"\n## {budget.replace('-', ', ')}\n"]
        lines += _by_length(study, rows, mine)
        if len(study.steps) > 1:
            lines += ["", *_at_best(study, rows, mine)]
        if study.baselines:
            lines += ["", *_gains_at_equal_steps(study, mine), *_gains_at_best(study, mine)]
        lines += _by_class(study, mine)
    return "\n".join(lines) + "\n"


def _convention(study: Study) -> str:
    chosen = (
        f" A row's best length is the one with the best mean on `{study.choose}`, which is not reported; "
        "where it is the longest trained, more steps might be better still."
        if len(study.steps) > 1
        else ""
    )
    units = (
        " Log rmse is of the natural logarithm; the paper says neither that of its own nor the unit of its rmse."
        if study.paper
        else ""
    )
    note = f" {study.paper_note}" if study.paper_note else ""
    return (
        f"Measured on `{study.report}`. mIoU is the mean over the classes that occur there, in per cent; depth is in "
        f"metres over all measured pixels. Mean over {len(study.seeds)} seeds, with half the 95 % interval of the mean "
        f"(Student's t).{chosen} Every seed draws its own budget, network and order.{units}{note}"
        f"{steps_behind(study.with_teachers())}"
    )


def measured_frames(results: Sequence[Mapping[str, Any]], report: str) -> str:
    """On how many frames of ``report`` the results were measured: ``"60 frames of"``."""
    return f"{max(r['measured'][report]['frames'] for r in results)} frames of"


def steps_behind(rows: Sequence[Row]) -> str:
    """What is to be said of ``rows`` where some do not start like the others; begins with a space if anything."""
    inherited = any(row.inherit for row in rows)
    return " Rows from the teacher's weights have its steps behind them, which are not counted." if inherited else ""


def _by_length(study: Study, rows: Sequence[Row], results: Sequence[Mapping[str, Any]]) -> list[str]:
    found = {(c.row, c.steps): c for c in cells(results, study.report)}
    header = ["row", "looks at", "steps", "seeds", *(figure.title for figure in FIGURES.values())]
    header += [f"{figure.title.partition(',')[0]} (paper)" for figure in FIGURES.values()] if study.paper else []
    lines = []
    for row in rows:
        for cell in sorted((c for (name, _), c in found.items() if name == row.name), key=lambda c: c.steps):
            seeds = len(next(iter(cell.figures.values())).values)
            values = [
                row.title,
                " + ".join(row.inputs),
                str(cell.steps),
                str(seeds),
                *(_figure(row, figure, cell.figures) for figure in FIGURES.values()),
            ]
            if study.paper:
                paper = row.paper.get(study.paper, {})
                values += [str(paper.get(PAPER.get(name, name), "-")) for name in FIGURES]
            lines.append(values)
    return markdown_table(header, lines)


def _at_best(study: Study, rows: Sequence[Row], results: Sequence[Mapping[str, Any]]) -> list[str]:
    best = {name: {c.row: c for c in at_best_length(study, results, name)} for name in ROBOT_FIGURES}
    longest = {row.name: max((r["steps"] for r in results if r["row"] == row.name), default=0) for row in rows}
    lines = []
    for row in rows:
        values = []
        for name, by_row in best.items():
            cell = by_row.get(row.name)
            length = f"{cell.steps} (longest)" if cell and cell.steps == longest[row.name] else str(cell and cell.steps)
            values += [_figure(row, ROBOT_FIGURES[name], cell.figures), length] if cell else ["-", "-"]
        if values != ["-"] * 4:
            lines.append([row.title, *values])
    header = ["row", *(part for figure in ROBOT_FIGURES.values() for part in (figure.title, "at steps"))]
    return ["Each row at its best length:", "", *markdown_table(header, lines)]


def _gains_at_equal_steps(study: Study, results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The gains of each length by itself; nothing where only one is trained, which is its best."""
    if len(study.steps) < 2:
        return []
    rows = [
        [str(steps), *line]
        for steps in study.steps
        for line in _gains(study, [r for r in results if r["steps"] == steps])
    ]
    what = f"Over the best row without a teacher of as many steps, {PAIRED}:"
    return [what, "", *markdown_table(["steps", *GAIN_COLUMNS], rows), ""] if rows else []


def _gains_at_best(study: Study, results: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = _gains(study, results)
    what = f"Over the best row without a teacher, each at its best length, {PAIRED}:"
    return [what, "", *markdown_table(GAIN_COLUMNS, rows)] if rows else []


def _gains(study: Study, results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """What each pseudo-labelled student has over the best baseline, how far towards the ceiling that is, and it."""
    # A baseline may be there as a teacher only, where few rows were asked for.
    titles = {row.name: row.title for row in study.with_teachers()}
    by_figure = {name: {g.row: g for g in gains(study, results, name)} for name in ROBOT_FIGURES}
    found = []
    for row in study.rows:
        values = []
        for name, by_row in by_figure.items():
            gain = by_row.get(row.name)
            share = f" ({100 * gain.share:.0f} %)" if gain and gain.share is not None else ""
            told = ROBOT_FIGURES[name].told_spread(gain.difference, "+") + share if gain else "-"
            values += [told, titles[gain.over] if gain else "-"]
        if values != ["-"] * 4:
            found.append([row.title, *values])
    return found


def _by_class(study: Study, results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The classes in which the ceiling is ahead, so that one sees what to label more of."""
    found = by_class(study, results)
    if not found:
        return []
    titles, told = {row.name: row.title for row in study.with_teachers()}, MAIN_FIGURES[SEMANTIC].told_spread
    rows = [[name, *map(told, iou), f"{100 * found.to_win(name):+.1f}"] for name, iou in found.iou.items()]
    length = f", at {found.steps} steps" if found.steps else ""
    what = f"IoU by class, %{length}; to win is what the ceiling has over the student:"
    return ["", what, "", *markdown_table(["class", *(titles[name] for name in found.rows), "to win"], rows)]


def _figure(row: Row, figure: TaskFigure, figures: Mapping[str, Spread]) -> str:
    """Mean and half interval; in brackets where the row looks at what it predicts."""
    if figure.name not in figures:
        return "-"
    told = figure.told_spread(figures[figure.name])
    return f"({told})" if figure.task in row.inputs else told
