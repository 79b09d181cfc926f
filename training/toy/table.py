"""The toy study as Markdown, beside the paper's Table 2."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.results_page import markdown_table
from training.spread import Spread
from training.toy.experiment import ROWS
from training.toy.functions import GRID, LABELLED, POINTS, f2
from training.toy.network import WIDTH
from training.toy.order import (
    QUARTER,
    SAME_EPOCHS,
    SAME_STEPS,
    Count,
    count_order,
    count_pair,
    holds,
    seeds_that_hold,
)
from training.toy.study import ToyStudy

PAPER = {"st": "0.0149 ± 0.0111", "mtl": "0.0101 ± 0.0068", "ts": "0.0072 ± 0.0062"}
"""Table 2."""
COMPARISONS = {
    SAME_EPOCHS: "the same epochs",
    SAME_STEPS: "as many steps as the student",
    QUARTER: "a quarter of the steps",
}
PAIRS = {
    "MTL better than ST": ("st", "mtl"),
    "T-S better than MTL": ("mtl", "ts"),
    "T-S better than ST": ("st", "ts"),
    "T-S better than with a teacher without f1": ("blind", "ts"),
}
LEARNT = {
    "pseudo": "what the teacher makes of them",
    "true_and_pseudo": "the true f2 where it is known, else the teacher's",
}
"""Labels of a student, by their name in a setting."""
Result = Mapping[str, Any]


def markdown(study: ToyStudy, main: Result, readings: Mapping[str, Result], sweep: Sequence[Result]) -> str:
    """The verdict, what was trained, the main setting beside the paper's table, other readings, the sweep.

    Args:
        study: what was run.
        main: what ``run_setting`` returned of the main setting.
        readings: the same of each other reading, by title.
        sweep: the same of each setting of the sweep.
    """
    blocks = [
        "# The toy example",
        *_verdict(study, main, sweep),
        f"![f2 as learnt, and errors]({study.name}.png)",
        "## What is trained",
        *_what_is_trained(study),
        "## Beside the paper's Table 2",
        "Mean squared error of f2: the mean over the seeds with half its 95 % interval (Student's t). The paper does "
        "not say of what its ± is.",
        *_reading("The main setting", main),
        *(block for title, result in readings.items() for block in _reading(title[:1].upper() + title[1:], result)),
        "## The sweep",
        *_counts(sweep),
        *_settings(study, sweep),
    ]
    return "\n\n".join(blocks) + "\n"


def _verdict(study: ToyStudy, main: Result, sweep: Sequence[Result]) -> list[str]:
    many, seeds = len(sweep), len(sweep[0]["seeds"])
    order = {comparison: count_order(sweep, comparison) for comparison in COMPARISONS}
    student = count_pair(sweep, SAME_STEPS, "st", "ts")
    sight = count_pair(sweep, SAME_EPOCHS, "blind", "ts")
    return [
        "In the paper's toy example a single-task network (ST) is worse than a multi-task one (MTL), and that is worse "
        "than a student of a teacher that looks at f1 (T-S). By the mean over the seeds **this order holds in "
        f"{order[SAME_EPOCHS].mean} of {many} settings where all train the same epochs**; the student, which has four "
        "times the points, then takes four times the steps. **Where ST and MTL take as many steps as the student it "
        f"holds in {order[SAME_STEPS].mean} of {many}**, where all take a quarter of these in {order[QUARTER].mean}.",
        f"In the main setting, with the same epochs, the order {_holds(main, SAME_EPOCHS)}; with as many steps as the "
        f"student it {_holds(main, SAME_STEPS)}.",
        f"How the settings were chosen: {study.chosen}",
        f"The student is better than a single-task network of as many steps in {student.mean} of {many} settings, "
        f"clearly in {student.clearly}, and clearly worse in {student.clearly_not}. A teacher that looks at f1 makes a "
        f"better student than one that does not in {sight.mean}, clearly in {sight.clearly}, and clearly a worse one "
        f"in {sight.clearly_not}.",
        f"Clearly: the 95 % interval of the differences seed by seed (Student's t, {seeds} seeds) excludes zero. "
        "Nothing is corrected for the number of settings: a few may be clear by chance.",
    ]


def _holds(result: Result, comparison: str) -> str:
    word = "holds" if holds(result, comparison) else "does not hold"
    return f"{word} on the mean, and does in {seeds_that_hold(result, comparison)} of {len(result['seeds'])} seeds"


def _what_is_trained(study: ToyStudy) -> list[str]:
    rows = [
        f"- **{ROWS['st']}**: z to f2, {LABELLED} points. **{ROWS['mtl']}**: z to f1 and f2, the same points.",
        f"- **Teacher**: z and f1 to f1 and f2, the same points and epochs. It labels all {POINTS}.",
        f"- **{ROWS['ts']}**: the student, z to f2, {POINTS} points: {LEARNT[study.main[0].student_labels]}. "
        "The teacher's own steps are not counted.",
        f"- **{ROWS['blind']}**: the same, labelled by the MTL network of those epochs. Not in the paper.",
    ]
    return [
        f"z is uniform in [0, 1]; f1 is known at {POINTS} points, f2 at {LABELLED} of these, both without noise. "
        f"Errors are measured at {len(GRID)} even points from 0 to 1, against the true f2. To compare: there the "
        f"best constant has an error of {_digits(_best_fit(0))}, the best straight line {_digits(_best_fit(1))}.",
        "\n".join(rows),
        "The paper gives the functions, the numbers of points and the size of the network. Ours are: optimiser (Adam, "
        "or SGD with momentum 0.9, as the tables say), rate (constant), activation, epochs and batch; the mean squared "
        "error, summed over the two tasks, as loss; PyTorch's usual first weights; inputs as they are; a new order "
        "every epoch. Each seed draws points, weights and order, and all rows of a seed share them as far as shapes "
        "allow. The paper's "
        f'"4 layers containing 128 neurons each" may mean three or four hidden layers of {WIDTH}, and its student '
        f"may learn the true f2 or the teacher's at the {LABELLED} points.",
    ]


def _best_fit(degree: int) -> float:
    """Mean squared error of the polynomial nearest to f2 on the grid: a network that is no better has learnt little."""
    truth = f2(GRID)
    return float(np.mean((np.polynomial.Polynomial.fit(GRID, truth, degree)(GRID) - truth) ** 2))


def _reading(title: str, result: Result) -> list[str]:
    header = ["row", f"{result['short_steps']} steps", f"{result['long_steps']} steps", "paper"]
    lines = [[*header, "pseudo-labels where f2 is hidden"]]
    for row, name in ROWS.items():
        errors, pseudo = result["errors"][row], result["pseudo_errors"].get(row)
        figures = [figure(errors["short"]), figure(errors["long"])]
        lines.append([name, *figures, PAPER.get(row, "-"), figure(pseudo) if pseudo else "-"])
    return [
        f"### {title}",
        f"{', '.join(f'{_words(key)} {_words(value)}' for key, value in result['setting'].items())}; "
        f"{len(result['seeds'])} seeds.",
        "\n".join(markdown_table(lines[0], lines[1:])),
        "\n".join(f"- With {text} the order {_holds(result, name)}." for name, text in COMPARISONS.items()),
    ]


def _counts(sweep: Sequence[Result]) -> list[str]:
    lines = [["with", "ST > MTL > T-S", *PAIRS]]
    for comparison, text in COMPARISONS.items():
        pairs = [count_pair(sweep, comparison, *pair) for pair in PAIRS.values()]
        lines.append([text, *map(_count, [count_order(sweep, comparison), *pairs])])
    return [
        f"In how many of {len(sweep)} settings of {len(sweep[0]['seeds'])} seeds, by the mean (in brackets: clearly "
        "so; clearly the contrary):",
        "\n".join(markdown_table(lines[0], lines[1:])),
    ]


def _settings(study: ToyStudy, sweep: Sequence[Result]) -> list[str]:
    same = {key: value for key, value in sweep[0]["setting"].items() if key not in study.varied}
    columns = {
        "ST": ("st", "short"),
        "MTL": ("mtl", "short"),
        "T-S": ("ts", "long"),
        "ST, student's steps": ("st", "long"),
        "MTL, student's steps": ("mtl", "long"),
        ROWS["blind"]: ("blind", "long"),
    }
    lines = [[*map(_words, study.varied), *columns, "order, same epochs", "order, student's steps"]]
    for result in sweep:
        means = [Spread(tuple(result["errors"][row][length])).mean for row, length in columns.values()]
        verdicts = ["yes" if holds(result, comparison) else "no" for comparison in (SAME_EPOCHS, SAME_STEPS)]
        lines.append([*(str(result["setting"][key]) for key in study.varied), *map(_digits, means), *verdicts])
    return [
        f"Means. The same in all: {', '.join(f'{_words(k)} {_words(v)}' for k, v in same.items())}.",
        "\n".join(markdown_table(lines[0], lines[1:])),
    ]


def figure(errors: Sequence[float]) -> str:
    """Mean and half the 95 % interval."""
    spread = Spread(tuple(errors))
    return _digits(spread.mean) + ("" if math.isnan(spread.half_width) else f" ± {_digits(spread.half_width)}")


def _digits(value: float) -> str:
    """Four decimals as in the paper, more where the error is so small that these say nothing."""
    return f"{value:.{max(4, 1 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def _count(count: Count) -> str:
    return f"{count.mean} ({count.clearly}; {count.clearly_not})"


def _words(name: object) -> str:
    return str(name).replace("_", " ")
