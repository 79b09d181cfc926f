"""``python -m training budget``: draw which frames keep which labels."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

from mtl_perception.argument_types import user_path
from mtl_perception.dataset_folder import DatasetFolder
from training.datasets.derived.sources import carries
from training.datasets.label_budget import TASKS, LabelBudget, source_name
from training.datasets.label_drawing import draw, draw_one_label, draw_random, draw_ratio
from training.datasets.source import split_source
from training.errors import ConfigurationError

DESCRIPTION = f"""\
Draw which frames of a split keep which labels, and write it to a file that `fit --data.budget` and
`pseudo-label --budget` obey: a training with plenty of one label and little of another, the same ones
at every run. Nothing in the data set changes.

Tasks: {", ".join(TASKS)}. Only labels that are on disk are drawn.

  500 frames keep depth, and 250 of them classes (the paper's NYUDv2 setting):
    python -m training budget DATA/house:train --labels depth=500 semantic=250 --out budget.json
  all the depth there is, and 100 classes:
    python -m training budget DATA/house:train --labels depth=all semantic=100 --out budget.json
  ten times as much depth as classes, as much as there is:
    python -m training budget DATA/house:train --ratio depth:semantic=10:1 --out budget.json
  every frame keeps one label, depth or classes:
    python -m training budget DATA/house:train --one-label depth semantic --out budget.json
  each label is kept by chance:
    python -m training budget DATA/house:train --random depth=0.9 semantic=0.1 --out budget.json

With the same seed, a smaller budget is part of a larger one: semantic=50 lies within semantic=100.
A task that is not named keeps all its labels; normals, edges and offsets keep those of depth, semantic and
instance, which they are made of.
"""


def main(argv: list[str]) -> None:
    """Draw; ``argv`` follows the word ``budget``."""
    parser = argparse.ArgumentParser(
        prog="python -m training budget",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("frames", metavar="FOLDER:SPLIT", help="frames to draw from; FOLDER for all its frames")
    rule = parser.add_mutually_exclusive_group(required=True)
    rule.add_argument("--labels", nargs="+", metavar="TASK=COUNT", help="labels each task keeps; TASK=all keeps all")
    rule.add_argument("--ratio", metavar="TASK:TASK=N:M", help="as many labels as there are in this ratio")
    rule.add_argument("--one-label", nargs="+", metavar="TASK", help="every frame keeps one of these, drawn evenly")
    rule.add_argument("--random", nargs="+", metavar="TASK=SHARE", help="each label is kept with this probability")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another draw (default: 0)")
    parser.add_argument(
        "--overlap",
        choices=("nested", "independent"),
        default="nested",
        help="with --labels and --ratio: nested (default) draws frames with the scarcer label among those with the "
        "more plentiful one; independent draws each task for itself",
    )
    parser.add_argument(
        "--out", type=user_path, metavar="FILE", help="write the budget here (default: only print counts)"
    )
    options = parser.parse_args(argv)
    path, split = split_source(options.frames)
    folder = DatasetFolder(path)
    where = (folder, split)
    if options.labels:
        budget = draw(*where, _pairs(options.labels, _count), options.seed, options.overlap)
    elif options.ratio:
        budget = draw_ratio(*where, _ratio(options.ratio), options.seed, options.overlap)
    elif options.one_label:
        budget = draw_one_label(*where, options.one_label, options.seed)
    else:
        budget = draw_random(*where, _pairs(options.random, float), options.seed)
    print(summary(budget, folder))
    if options.out:
        _write_new(budget, options.out)


def summary(budget: LabelBudget, folder: DatasetFolder) -> str:
    """Labels kept of each task, and of tasks together, of how many there are, as lines to read."""
    names = folder.names(budget.split)
    lines = [f"{source_name(budget.dataset, budget.split)}, {budget.rule}, seed {budget.seed}"]
    for size in range(1, len(budget.labels) + 1):
        for tasks in combinations(budget.labels, size):
            there = sum(all(carries(folder, task, name) for task in tasks) for name in names)
            lines.append(f"  {' + '.join(tasks):28} {len(budget.frames(*tasks)):6} of {there}")
    lines.append(f"  {'frames with a label':28} {len(budget.any_frames()):6} of {len(names)}")
    return "\n".join(lines)


def _pairs(texts: list[str], number: Callable[[str], object]) -> dict:
    """``["depth=500", ...]`` as a mapping."""
    pairs = {}
    for text in texts:
        task, equals, value = text.partition("=")
        try:
            if not equals or task in pairs:
                raise ValueError
            pairs[task] = number(value)
        except ValueError:
            example = "depth=0.5" if number is float else "depth=500"
            raise ConfigurationError(f"{text!r} is not TASK=NUMBER, each task once, as in {example}") from None
    return pairs


def _count(text: str) -> int | None:
    return None if text == "all" else int(text)


def _ratio(text: str) -> dict[str, int]:
    """``depth:semantic=10:1`` as a mapping."""
    tasks, _, parts = text.partition("=")
    names, numbers = tasks.split(":"), parts.split(":")
    try:
        if len(names) < 2 or len(set(names)) != len(names):
            raise ValueError
        return {name: int(number) for name, number in zip(names, numbers, strict=True)}
    except ValueError:
        raise ConfigurationError(f"{text!r} is not TASK:TASK=N:M, as in depth:semantic=10:1") from None


def _write_new(budget: LabelBudget, path: Path) -> None:
    """Write ``budget``, but never over another one: a run may have been made with it."""
    if path.exists() and LabelBudget.read(path) != budget:
        raise ConfigurationError(f"{path} holds another budget: choose another file, or delete it")
    try:
        budget.write(path)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    print(f"written to {path}")
