"""Run what of a toy study is missing; interrupted, it goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mtl_perception.atomic_write import write_atomically
from training.toy.experiment import run_setting, steps_in_all
from training.toy.study import Run, ToyStudy


def result_file(study: ToyStudy, run: Run) -> Path:
    """Where a setting's result lies; its name says all that the result follows from."""
    setting, seeds = run
    return Path("runs") / study.name / f"{setting.name}-seeds{len(seeds)}.json"


def run_study(study: ToyStudy) -> dict[Run, dict[str, Any]]:
    """Train what has no result yet, and return the results of all.

    Raises:
        ConfigurationError: a loss is no longer finite.
    """
    runs = study.runs()
    missing = [run for run in runs if not result_file(study, run).exists()]
    total = sum(steps_in_all(*run) for run in missing)
    with tqdm(total=total, unit=" steps", unit_scale=True, disable=not missing) as bar:
        for number, run in enumerate(missing, 1):
            bar.set_description(f"setting {number} of {len(missing)}")
            write_atomically(result_file(study, run), json.dumps(run_setting(*run, bar.update)).encode())
    return {run: json.loads(result_file(study, run).read_text()) for run in runs}
