"""``python -m training reproduce``: run a study, and set its table beside the paper's."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from mtl_perception.argument_types import at_least_one, user_path
from mtl_perception.json_file import write_json
from training.checkpoint import load_checkpoint
from training.data_root import add_root_option, data_root
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.reproduce.curves import draw_curves
from training.reproduce.pictures import draw_pictures
from training.reproduce.row import read_row
from training.reproduce.run import Run
from training.reproduce.runner import StudyRunner
from training.reproduce.study import Study, read_study
from training.reproduce.table import markdown
from training.results_page import write_page
from training.yaml_file import STUDIES


def main(argv: list[str]) -> None:
    """Run a study; ``argv`` follows the word ``reproduce``."""
    known = ", ".join(sorted(p.stem for p in STUDIES.glob("*.yaml") if not p.stem.startswith(("affinity_", "limits_"))))
    parser = argparse.ArgumentParser(
        prog="python -m training reproduce",
        description="Train and measure every row of a study, on the folder that `prepare` made (or any of that "
        "name). What has been done is not done again: stop it when you like, and give the same command to go on. Then "
        "the table is written, with the paper's figures where there are such, curves and pictures.",
    )
    parser.add_argument(
        "study", help=f"one of: {known}; or the path of a YAML of your own; toy explains itself: toy --help"
    )
    add_root_option(parser)
    parser.add_argument("--out", type=user_path, help="where to write the table (default: runs/STUDY)")
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="only these rows, and their teachers")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="N", help="only these seeds")
    parser.add_argument("--steps", nargs="+", type=at_least_one, metavar="N", help="only these lengths")
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    parser.add_argument("--precision", help="Lightning's: 32-true, bf16-mixed, ...")
    parser.add_argument("--table-only", action="store_true", help="train nothing, write the table of what there is")
    options = parser.parse_args(argv)
    path = Path(options.study) if options.study.endswith(".yaml") else STUDIES / f"{options.study}.yaml"
    if options.study == "toy":
        raise ConfigurationError("the word toy comes first: reproduce toy ...; it has options of its own")
    if not path.exists():
        raise ConfigurationError(f"no study {options.study!r}; known: {known}")
    study = _narrowed(read_study(path), options)
    trainer = {"accelerator": options.accelerator}
    if options.precision:
        trainer["precision"] = options.precision
    runner = StudyRunner(study, data_root(options.root), trainer)
    if not options.table_only:
        runner.run_all()
    write_tables(runner, options.out or runner.home)


def write_tables(runner: StudyRunner, out: Path) -> None:
    """Write ``STUDY.md``, ``.json``, curves and pictures of the results there are."""
    study, results = runner.study, runner.results()
    if not results:
        raise ConfigurationError(f"{runner.home} holds no result yet: run without --table-only")
    table = markdown(study, results)
    print(table)
    content = {"study": study.name, "torch": torch.__version__, "results": results}
    write_json(out / f"{study.name}.json", content)
    write_page(out / f"{study.name}.md", table)
    draw_curves(study, results, out / f"{study.name}.png")
    networks = {run.row.title: load_checkpoint(runner.checkpoint(run)) for run in pictured_runs(runner)}
    if networks:
        draw_pictures(networks, Source.parse(study.report, runner.root), out / f"{study.name}_pictures.png")
    print(f"{out / study.name}.md, .json, .png" + (f" and {study.name}_pictures.png" if networks else ""))


def pictured_runs(runner: StudyRunner) -> list[Run]:
    """The trained networks to show side by side: of one budget and seed, each row at the longest of its lengths."""
    runs = [run for run in runner.runs() if runner.checkpoint(run).exists()]
    shown = {run.row.name: run for run in sorted(runs, key=lambda run: run.steps) if _is_shown(runner.study, run)}
    return [run for run in runs if shown.get(run.row.name) is run]


def _is_shown(study: Study, run: Run) -> bool:
    return run.budget == study.budgets[0] and run.seed == study.seeds[0]


def _narrowed(study: Study, options: argparse.Namespace) -> Study:
    """The study with only the rows, seeds and steps asked for."""
    changes = {}
    if options.rows:
        changes["rows"] = tuple(read_row(name) for name in options.rows)
    if options.seeds:
        changes["seeds"] = tuple(options.seeds)
    if options.steps:
        if not study.steps:
            raise ConfigurationError(f"{study.name} counts epochs, not steps")
        changes["steps"] = tuple(options.steps)
    return replace(study, **changes)
