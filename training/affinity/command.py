"""``python -m training affinity``: which task helps which."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from mtl_perception.argument_types import user_path
from mtl_perception.json_file import write_json
from training.affinity.agreement import agreement, in_words
from training.affinity.checks import checked
from training.affinity.effects import effects
from training.affinity.heat_map import draw_heat_map
from training.affinity.matrix_file import read_matrix
from training.affinity.report import as_json, markdown
from training.affinity.runner import AffinityRunner
from training.affinity.study import PREFIX, AffinityStudy, known_studies, read_affinity_study
from training.cheap_version import cheap_version
from training.data_root import add_root_option, data_root
from training.datasets.source import split_source
from training.errors import ConfigurationError
from training.results_page import write_page
from training.yaml_file import STUDIES

RECIPE = "house"
"""The study whose settings a folder without a study of its own is measured by."""
OVERRIDES = ("tasks", "report", "few", "plenty", "seeds", "steps", "teacher_steps")
"""Options that take the place of the study's field of that name."""


def main(argv: list[str]) -> None:
    """Run a study; ``argv`` follows the word ``affinity``."""
    parser = argparse.ArgumentParser(
        prog="python -m training affinity",
        description="Fill the matrix: giving task i as input to a teacher changes task j's student by so much, against "
        "the best of three networks of as many steps without a teacher. It says first how many trainings of how many "
        "steps that is. What has been done is not done again: stop it when you like, and give the same command to go "
        "on.",
    )
    parser.add_argument(
        "study",
        metavar="STUDY|FOLDER",
        help=f"one of: {', '.join(known_studies())}; or the path of a YAML of your own; or FOLDER:SPLIT of a data set "
        f"folder, with --tasks and --report, by the settings of {RECIPE}",
    )
    parser.add_argument("--tasks", nargs="+", help="other tasks than the study's; needed for a folder")
    parser.add_argument("--report", metavar="FOLDER:SPLIT", help="frames to measure on; needed for a folder")
    parser.add_argument("--few", type=int, help="frames with the labels of all tasks")
    parser.add_argument(
        "--plenty", type=int, help="frames with the labels of the task given (default of a folder: all)"
    )
    parser.add_argument("--seeds", nargs="+", type=int, metavar="N", help="only these seeds")
    parser.add_argument("--steps", type=int, help="other length of the networks compared")
    parser.add_argument("--teacher-steps", type=int, help="other length of the teachers")
    parser.add_argument("--cheap", action="store_true", help="the study's cheap version: small pictures, few steps")
    parser.add_argument(
        "--agreement",
        action="store_true",
        help="train nothing: tell how well the cheap matrix agrees with the whole one",
    )
    add_root_option(parser)
    parser.add_argument("--out", type=user_path, help="where to write table and picture (default: runs/STUDY)")
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    parser.add_argument("--precision", help="Lightning's: 32-true, bf16-mixed, ...")
    parser.add_argument("--table-only", action="store_true", help="train nothing, write the table of what there is")
    options = parser.parse_args(argv)
    study, root = _study(options)
    if options.agreement:
        _agreement(study, options.out)
        return
    if options.cheap:
        study = cheap_version(study)
    given = {key: vars(options)[key] for key in OVERRIDES if vars(options)[key] is not None}
    changes = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    study = checked(replace(study, **changes), root)
    trainer = {"accelerator": options.accelerator}
    if options.precision:
        trainer["precision"] = options.precision
    runner = AffinityRunner(study, root, trainer)
    print(study.cost(), flush=True)
    if not options.table_only:
        runner.run_all()
    write_results(runner, options.out or runner.home)


def write_results(runner: AffinityRunner, out: Path) -> None:
    """Write ``STUDY.md``, ``.json`` and ``.png`` of the results there are."""
    study, results = runner.affinity, runner.results()
    found = effects(study.tasks, study.report, results)
    if not found:
        raise ConfigurationError(f"{runner.home} holds no student and network to compare it with yet: nothing to show")
    picture = f"{study.name}.png"
    table = markdown(study, found, results, picture)
    print(table)
    content = {**as_json(study, found, results), "torch": torch.__version__}
    write_json(out / f"{study.name}.json", content)
    write_page(out / f"{study.name}.md", table)
    seeds = max(len(effect.without.values) for effect in found.values())
    title = f"{study.name}: {seeds} seed{'s' * (seeds > 1)}, {study.steps} steps" + ", a pilot" * (seeds < 2)
    draw_heat_map(study.tasks, found, title, out / picture)
    print(f"{out / study.name}.md, .json, .png")


def _agreement(study: AffinityStudy, out: Path | None) -> None:
    """Print and write how the two versions agree; each has a folder of its own, unless ``out`` says where."""
    cheap = cheap_version(study).name
    full_home, cheap_home = (out or Path("runs") / name for name in (study.name, cheap))
    values = agreement(
        read_matrix(full_home / f"{study.name}.json", "run the study without --cheap first, with the same --out"),
        read_matrix(cheap_home / f"{cheap}.json", "run the study with --cheap first, with the same --out"),
    )
    print(in_words(values, study.name))
    path = full_home / f"{study.name}_agreement.json"
    write_json(path, values)


def _study(options: argparse.Namespace) -> tuple[AffinityStudy, str]:
    """The study that is named, and the folder of its data sets."""
    root = data_root(options.root)
    if options.study.endswith(".yaml"):
        return read_affinity_study(Path(options.study)), root
    if options.study in known_studies():
        return read_affinity_study(STUDIES / f"{PREFIX}{options.study}.yaml"), root
    path, split = split_source(options.study)
    folder = Path(path).expanduser()
    if not (folder / "dataset.json").exists():
        raise ConfigurationError(
            f"{options.study!r} is no study ({', '.join(known_studies())}), no *.yaml, and no data set folder"
        )
    if not (options.tasks and options.report):
        raise ConfigurationError(f"{options.study} is a folder: say --tasks, and by --report what to measure on")
    return _of_folder(folder, split or "", options.tasks, options.report), "."


def _of_folder(folder: Path, split: str, tasks: Sequence[str], report: str) -> AffinityStudy:
    """The recipe's study of another folder; by default all labels are plenty."""
    recipe = read_affinity_study(STUDIES / f"{PREFIX}{RECIPE}.yaml")
    return replace(
        recipe,
        name=f"{PREFIX}{folder.resolve().name}",
        dataset=str(folder),
        split=split,
        report=report,
        tasks=tuple(tasks),
        plenty=0,
    )
