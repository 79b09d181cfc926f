"""A matrix of tasks as Markdown and as JSON."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from training.affinity.conditions import condition, in_words
from training.affinity.effects import Effect
from training.affinity.rows import MULTI, single_name, student_name, teacher_name, uneven_name
from training.affinity.study import AffinityStudy
from training.metrics.figures import MAIN_FIGURES
from training.reproduce.summary import Cell
from training.reproduce.summary import cells as row_cells
from training.reproduce.table import measured_frames
from training.results_page import markdown_table
from training.spread import UNDECIDED, Spread

Effects = Mapping[tuple[str, str], Effect]


def conditions(tasks: Sequence[str], found: Effects) -> dict[tuple[str, str], str]:
    """The condition of every pair of tasks whose two effects are there, in words."""
    return {
        (a, b): in_words(condition(found[a, b], found[b, a]), a, b)
        for a, b in itertools.combinations(tasks, 2)
        if (a, b) in found and (b, a) in found
    }


def as_json(study: AffinityStudy, found: Effects, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The matrix and the figures behind it; null where a number is none."""
    return {
        "study": study.name,
        "report": study.report,
        "tasks": list(study.tasks),
        "labels": {"plenty": study.plenty, "few": study.few},
        "steps": study.steps,
        "teacher_steps": study.teacher_steps,
        "seeds": sorted({r["seed"] for r in results}),
        "pilot": _seeds(found) < 2,
        "seconds": round(sum(r["seconds"] for r in results)),
        "pairs": {
            f"{given}>{task}": {
                "figure": MAIN_FIGURES[task].name,
                "higher_is_better": MAIN_FIGURES[task].higher_is_better,
                "over": e.over,
                "without": _number(e.without.mean),
                "with_teacher": _number(e.with_teacher.mean),
                "difference": _number(e.difference.mean),
                "half_width": _number(e.difference.half_width),
                "relative": _number(e.relative),
                "relative_half_width": _number(e.relative_half_width),
                "differences": [_number(v) for v in e.difference.values],
                "verdict": e.verdict,
            }
            for (given, task), e in found.items()
        },
        "conditions": {f"{a}+{b}": text for (a, b), text in conditions(study.tasks, found).items()},
        "results": [
            {
                "row": r["row"],
                "seed": r["seed"],
                "steps": r["steps"],
                "values": {name: _number(v) for name, v in r["measured"][study.report]["values"].items()},
            }
            for r in results
        ],
    }


def markdown(study: AffinityStudy, found: Effects, results: Sequence[Mapping[str, Any]], picture: str) -> str:
    """The matrix, the conditions, and every network's figures."""
    tasks, seeds = study.tasks, _seeds(found)
    titles = {row.name: row.title for row in study.as_study().rows}
    lines = [f"# Which task helps which: {study.name}", ""]
    if seeds < 2:
        lines += ["**A pilot: one seed has no interval, so nothing here is decided.**", ""]
    lines += [
        _setting(study, results),
        "",
        f"![matrix]({picture})",
        "",
        "Change of the student's figure, positive is better, in per cent of the best figure without a teacher, that of "
        "the network named last; in brackets the difference in the figure's own unit. Mean over the seeds "
        f"({_seeds_in_words(found)}) with half its 95 % interval (Student's t, seed by seed); `?` where that covers "
        "zero, or where there is one seed.",
        "",
        *markdown_table(
            ["given as input", *(f"{t}: {MAIN_FIGURES[t].title}" for t in tasks)],
            [[given, *(_effect(found.get((given, t)), titles) for t in tasks)] for given in tasks],
        ),
        "",
        "## Conditions of the paper",
        "",
        "An effect is decided where its interval is on one side of zero; a pair, where both its effects are. With "
        f"{len(found)} effects at 95 %, some may be decided by chance: nothing is corrected for their number. The "
        "best without a teacher is chosen on the frames reported, which makes a gain harder to show and a loss easier. "
        "And a student also has the labels of the task given, and learns it: an effect is of all that, not of the "
        "teacher's look at them alone.",
        "",
        *markdown_table(
            ["pair", "what was found"], [[f"{a}, {b}", text] for (a, b), text in conditions(tasks, found).items()]
        ),
        "",
        "## Every network",
        "",
        "Figures in brackets are a teacher's: it looks at true labels when it is measured, which a robot has none of.",
        "",
        *_networks(study, results),
    ]
    return "\n".join(lines) + "\n"


def _setting(study: AffinityStudy, results: Sequence[Mapping[str, Any]]) -> str:
    return (
        f"Of `{study.source}` {study.plenty} frames have the labels of one task, that is given, and {study.few} of "
        "these those of all. A teacher looks at picture and given labels, learns the other tasks on the "
        f"{study.few} frames ({study.teacher_steps} steps) and labels the rest. The student looks at the picture, and "
        f"learns all tasks from true and teacher's labels in {study.steps} steps. It is compared with what as many "
        f"steps come to without a teacher: with all true labels, with the {study.few} frames of all tasks, or with the "
        "task alone, whichever has the best mean. Measured on "
        f"{measured_frames(results, study.report)} `{study.report}`."
    )


def _networks(study: AffinityStudy, results: Sequence[Mapping[str, Any]]) -> list[str]:
    by_row = {cell.row: cell for cell in row_cells(results, study.report)}
    header = ["network", "labels", "steps", "seeds", *(MAIN_FIGURES[t].title for t in study.tasks)]
    few, plenty = str(study.few), f"{study.few}, {study.plenty} of"
    named = [(single_name(t), few) for t in study.tasks] + [(MULTI, few)]
    for task in study.tasks:
        named += [
            (teacher_name(task), few),
            *((name(task), f"{plenty} {task}") for name in (uneven_name, student_name)),
        ]
    titles = {row.name: row.title for row in study.as_study().rows}
    lines = []
    for name, labels in named:
        if cell := by_row.get(name):
            figures = [_figure(cell, t, name.startswith(teacher_name(""))) for t in study.tasks]
            lines.append([titles[name], labels, str(cell.steps), str(len(cell.seeds)), *figures])
    return markdown_table(header, lines)


def _figure(cell: Cell, task: str, privileged: bool) -> str:
    main = MAIN_FIGURES[task]
    if main.name not in cell.figures:
        return "-"
    text = _with_interval(cell.figures[main.name], main.scale, ".3g")
    return f"({text})" if privileged else text


def _effect(effect: Effect | None, titles: Mapping[str, str]) -> str:
    if effect is None or math.isnan(effect.difference.mean):
        return "-"
    text = _with_interval(effect.difference, MAIN_FIGURES[effect.task].scale, "+.2g")
    if not math.isnan(effect.relative):
        half = effect.relative_half_width
        text = f"{100 * effect.relative:+.1f}" + ("" if math.isnan(half) else f" ± {100 * half:.1f}") + f" % ({text})"
    return f"{text}{' ?' * (effect.verdict == UNDECIDED)} {titles[effect.over]}"


def _with_interval(spread: Spread, scale: float, form: str) -> str:
    text = f"{scale * spread.mean:{form}}"
    return text if math.isnan(spread.half_width) else f"{text} ± {scale * spread.half_width:.2g}"


def _seeds(found: Effects) -> int:
    return max((len(effect.without.values) for effect in found.values()), default=0)


def _seeds_in_words(found: Effects) -> str:
    counts = {len(effect.difference.values) for effect in found.values()} or {0}
    return " to ".join(map(str, sorted({min(counts), max(counts)})))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
