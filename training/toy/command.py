"""``python -m training reproduce toy``: the paper's toy example, and how far its order holds."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

import torch

from mtl_perception.argument_types import user_path
from mtl_perception.json_file import write_json
from training.results_page import write_page
from training.toy.plot import draw
from training.toy.runner import run_study
from training.toy.study import read_study
from training.toy.table import markdown
from training.yaml_file import STUDIES


def main(argv: list[str]) -> None:
    """Run the study and write it down; ``argv`` follows the words ``reproduce toy``."""
    parser = argparse.ArgumentParser(
        prog="python -m training reproduce toy",
        description="Learn the two functions of the paper's toy example, f1 known at 640 points and f2 at 160 of them: "
        "single-task, multi-task, and a student of a teacher that looks at f1; with several seeds, in many settings, "
        "also with as many steps for all. It needs no data. What has been done is not done again: stop it when you "
        "like, and give the same command to go on. With OMP_NUM_THREADS=1 it keeps to one core.",
    )
    parser.add_argument(
        "study",
        nargs="?",
        type=user_path,
        default=STUDIES / "toy.yaml",
        help="YAML of other settings and numbers of seeds (default: %(default)s)",
    )
    parser.add_argument("--out", type=user_path, help="where to write table, figures and plot (default: runs/STUDY)")
    options = parser.parse_args(argv)
    study = read_study(options.study)
    results = run_study(study)
    out = options.out or Path("runs") / study.name

    main_result = results[study.main]
    readings = {title: results[run] for title, run in study.readings.items()}
    sweep = [results[run] for run in study.sweep]
    table = markdown(study, main_result, readings, sweep)
    print(table)
    content = {
        "study": study.name,
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "cpu_seconds": round(sum(result["cpu_seconds"] for result in results.values())),
        "main": _without_curves(main_result),
        "readings": {title: _without_curves(result) for title, result in readings.items()},
        "sweep": [_without_curves(result) for result in sweep],
    }
    write_json(out / f"{study.name}.json", content)
    write_page(out / f"{study.name}.md", table)
    draw(main_result, sweep, out / f"{study.name}.png")
    print(f"{out / study.name}.md, .json, .png")


def _without_curves(result: dict) -> dict:
    """They are in the plot, and five times the figures."""
    return {key: value for key, value in result.items() if key != "curves"}
