"""``python -m training family``: students of many sizes, to choose from by accuracy and time."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

from tqdm import tqdm

from mtl_perception.argument_types import user_path
from mtl_perception.backends.choice import Runtime
from mtl_perception.deployment.benchmark import Benchmark, Configuration
from mtl_perception.deployment.benchmark_figures import figures
from mtl_perception.deployment.conditions import as_text, conditions
from mtl_perception.json_file import write_json
from training.data_root import add_root_option, data_root
from training.errors import ConfigurationError
from training.family.family import FAMILIES, read_family
from training.family.runner import FamilyRunner
from training.family.table import draw, markdown
from training.results_page import write_page

ROUNDS = 10


def main(argv: list[str]) -> None:
    """Run a family; ``argv`` follows the word ``family``."""
    known = ", ".join(sorted(path.stem for path in FAMILIES.glob("*.yaml")))
    parser = argparse.ArgumentParser(
        prog="python -m training family",
        description="Train students of many sizes on the same frames, let a large one teach a small one where that is "
        "asked for, export each, and set accuracy beside time in a table and a picture. Everything goes to "
        "runs/FAMILY; interrupted, the same command goes on; where `report` or `size` changed, it exports and measures "
        "anew what is trained. Times are taken last, in turns: leave the machine alone.",
    )
    parser.add_argument("family", help=f"one of {known}, or the path of a YAML like those")
    add_root_option(parser)
    parser.add_argument("--members", nargs="+", metavar="NAME", help="only these (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and frames (default: %(default)s)")
    parser.add_argument("--out", type=user_path, help="folder of the table and picture (default: runs/FAMILY)")
    parser.add_argument(
        "--table-only",
        action="store_true",
        help="train nothing; table and picture of what is there, of these data sets",
    )
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    options = parser.parse_args(argv)
    path = Path(options.family) if options.family.endswith(".yaml") else FAMILIES / f"{options.family}.yaml"
    family = read_family(path)
    members = [family.member(name) for name in options.members] if options.members else list(family.members)
    root = data_root(options.root)
    runner = FamilyRunner(family, root, options.seed, options.accelerator)
    if options.table_only:
        members = runner.exported(members)
        if not members:
            raise ConfigurationError(f"{runner.home} holds no student yet for this table: run without --table-only")
    else:
        runner.run_all(members)
    found = runner.figures(members)
    files = {name: runner.file(family.member(name)) for name in found}
    made = conditions(shlex.join(["python", "-m", "training", "family", *argv]))
    times = _times(files)
    shown = {name: {**found[name], **times[name]} for name in found}
    out = options.out or runner.home
    table = markdown(family, shown, f"Seed {options.seed}.\n\n{indent(as_text(made), 4 * ' ')}")
    print(table)
    content = {"family": family.name, "seed": options.seed, "made": made, "members": shown}
    write_json(out / f"{family.name}.json", content)
    write_page(out / f"{family.name}.md", table)
    draw(family, shown, out / f"{family.name}.png")
    print(f"{out / family.name}.md, .json, .png")


def _times(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """How long each file takes a frame with the library that a robot here would choose; they take turns.

    Returns:
        By name ``ms`` and the ``device`` that took them; or ``not_timed``, why not.
    """
    configurations = [Configuration(path, Runtime()) for path in files.values()]
    benchmark = Benchmark(configurations, (), ROUNDS, with_node=False)
    with tqdm(total=benchmark.steps(), desc="timing", unit="block", disable=None) as progress:
        benchmark.run(progress.update)
    found = figures(benchmark)
    by_file = {entry["model"]: {"ms": entry["network_ms"], "device": entry["device"]} for entry in found["measured"]}
    # What ended half-way is among both.
    by_file |= {entry["model"]: {"not_timed": entry["why"]} for entry in found["not_measured"]}
    return {name: by_file[path.stem] for name, path in files.items()}
