"""The curves as tables and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.limits.plan import cost
from training.limits.study import MEANING, LimitsStudy
from training.limits.summary import Verdict, levels, verdicts
from training.metrics.figures import ROBOT_FIGURES, TaskFigure
from training.reproduce.table import steps_behind
from training.results_page import markdown_table
from training.spread import HELPS, HURTS, UNDECIDED


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


def _lengths(study: LimitsStudy) -> str:
    if not any(row.teacher for row in study.students):
        return f"All rows took {study.steps} steps."
    return f"All rows but teachers took {study.steps} steps, teachers {study.teacher_steps or study.steps}."


def _gain(gain: Verdict, figure: TaskFigure, titles: Mapping[str, str]) -> str:
    word = "?" if gain.difference.verdict == UNDECIDED else gain.difference.verdict
    return f"{figure.told_spread(gain.difference, '+')} {word} ({titles[gain.over]})"
