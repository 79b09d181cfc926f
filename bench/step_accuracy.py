"""What the faster training step costs in accuracy: ``python -m bench.step_accuracy TRAIN MEASURE``.

Two networks a seed, alike in first weights, frames, order and number of steps: one with the losses of the scales
taken at their own scale, as this project does, one with every prediction upsampled to the labels first, as the plain
recipe does. The rest of what makes a step faster (layout, optimiser in one kernel, pictures kept decoded) changes a
result by rounding only. Differences are seed by seed, with half the 95 % interval of their mean (Student's t).
Stopped, it goes on by the same command.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import training.module
from bench.results import conditions
from bench.training_step import UpsampledLoss
from mtl_perception.argument_types import at_least_one, user_path
from mtl_perception.json_file import write_json
from training.checkpoint import load_checkpoint
from training.checkpoint_evaluation import evaluate_checkpoint
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.losses.multi_task import MultiTaskLoss
from training.metrics.figures import ROBOT_FIGURES
from training.reproduce.study import read_study
from training.results_page import write_page
from training.resumable_fit import fit_resumably
from training.spread import Spread
from training.yaml_file import STUDIES

LOSSES = {"ours": MultiTaskLoss, "plain": UpsampledLoss}
FIT = read_study(STUDIES / "house.yaml").fit


def run(recipe: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    """The figures of one network, trained if it is not there yet."""
    name = f"step_accuracy/{recipe}-seed{seed}-steps{options.steps}"
    result = Path("runs") / name / "result.json"
    if not result.exists():
        length = {"max_steps": options.steps, "max_epochs": -1, "enable_model_summary": False}
        with mock.patch.object(training.module, "MultiTaskLoss", LOSSES[recipe]):
            data = {"root": ".", "train": [options.train]}  # As MEASURE: not under MTL_PERCEPTION_DATA.
            last = fit_resumably(name, FIT, {"data": data, "trainer": length}, seed=seed)
        source = Source.parse(options.measure, ".")
        evaluation, _ = evaluate_checkpoint(load_checkpoint(last), source)
        content = {"train": options.train, "measure": options.measure, "values": evaluation.values}
        write_json(result, content)
    kept = json.loads(result.read_text())
    for what in ("train", "measure"):
        if kept[what] != getattr(options, what):
            raise ConfigurationError(f"{result} is of {what} {kept[what]}: delete its folder to do it anew")
    return dict(kept["values"])


def page(values: Mapping[str, Mapping[int, Mapping[str, float]]], under: Mapping[str, Any]) -> str:
    """The table, and how it was made; ``values`` by recipe and seed."""
    titles = [figure.title for figure in ROBOT_FIGURES.values()]
    lines = ["# Accuracy of the faster step", "", *(line for line in (__doc__ or "").splitlines()[2:] if line), ""]
    lines += ["| | " + " | ".join(titles) + " |", "|---" * (1 + len(titles)) + "|"]
    for recipe in LOSSES:
        lines.append(_line(recipe, {f: [v[f] for v in values[recipe].values()] for f in ROBOT_FIGURES}))
    pairs = [(ours, values["plain"][seed]) for seed, ours in values["ours"].items()]
    lines.append(_line("ours less plain", {f: [ours[f] - plain[f] for ours, plain in pairs] for f in ROBOT_FIGURES}))
    lines += ["", f"`{under['command']}`, {under['date']}; {under['network']}; {under['machine']}."]
    return "\n".join(lines) + "\n"


def _line(title: str, values: Mapping[str, Sequence[float]]) -> str:
    cells = []
    for name, figure in ROBOT_FIGURES.items():
        cells.append(figure.told_spread(Spread(tuple(values[name]))))
    return f"| {title} | " + " | ".join(cells) + " |"


def main(argv: Sequence[str] | None = None) -> None:
    """Train what is missing, and write ``step_accuracy.md`` and ``.json``."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m bench.step_accuracy", description=__doc__)
    parser.add_argument("train", metavar="TRAIN", help="labelled frames to train on: FOLDER:SPLIT")
    parser.add_argument("measure", metavar="MEASURE", help="frames to measure on, others: FOLDER:SPLIT")
    parser.add_argument("--steps", type=at_least_one, default=1200, help="of each training (default: %(default)s)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N", help="(default: 0 1 2)")
    parser.add_argument(
        "--out", type=user_path, default=Path("docs/results"), help="where to write (default: docs/results)"
    )
    options = parser.parse_args(arguments)
    if both := Source.parse(options.measure, ".").shared_with(Source.parse(options.train, ".")):
        raise ConfigurationError(f"{min(both)} is trained on and measured: take splits that share no frame")
    network = f"MTI-Net on {FIT['model']['backbone']}, {options.steps} steps of {FIT['data']['batch_size']} frames"
    size = f"{FIT['data']['height']}x{FIT['data']['width']}"
    under = conditions(shlex.join(["python", "-m", "bench.step_accuracy", *arguments]), f"{network} at {size}")
    values: dict[str, dict[int, dict[str, float]]] = {recipe: {} for recipe in LOSSES}
    for seed in options.seeds:
        for recipe in LOSSES:
            values[recipe][seed] = run(recipe, seed, options)
    text = page(values, {**under, "network": f"{under['network']}, torch {torch.__version__}"})
    print(text)
    write_json(options.out / "step_accuracy.json", {"conditions": under, "values": values})
    write_page(options.out / "step_accuracy.md", text)


if __name__ == "__main__":
    main()
