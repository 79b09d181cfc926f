"""``python -m training family``: students of many sizes, to choose from by accuracy and time."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from mtl_perception.atomic_write import write_atomically
from training.errors import ConfigurationError
from training.family.family import FAMILIES, read_family
from training.family.runner import FamilyRunner
from training.family.table import draw, markdown
from training.family.timing import milliseconds


def main(argv: list[str]) -> None:
    """Run a family; ``argv`` follows the word ``family``."""
    known = ", ".join(sorted(path.stem for path in FAMILIES.glob("*.yaml")))
    parser = argparse.ArgumentParser(
        prog="python -m training family",
        description="Train students of many sizes on the same frames, let a large one teach a small one where that is "
        "asked for, export each, and set accuracy beside time in a table and a picture. Everything goes to "
        "runs/FAMILY; interrupted, the same command goes on. Times are taken last, in turns: leave the machine alone.",
    )
    parser.add_argument("family", help=f"one of {known}, or the path of a YAML like those")
    parser.add_argument("--root", help="folder of the data sets (default: MTL_PERCEPTION_DATA, else here)")
    parser.add_argument("--members", nargs="+", metavar="NAME", help="only these (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and frames (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="folder of the table and picture (default: runs/FAMILY)")
    parser.add_argument("--table-only", action="store_true", help="train nothing; table and picture of what is there")
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    options = parser.parse_args(argv)
    path = Path(options.family) if options.family.endswith(".yaml") else FAMILIES / f"{options.family}.yaml"
    family = read_family(path)
    members = [family.member(name) for name in options.members] if options.members else list(family.members)
    root = options.root or os.environ.get("MTL_PERCEPTION_DATA", ".")
    runner = FamilyRunner(family, root, options.seed, options.accelerator)
    if not options.table_only:
        runner.run_all(members)
    figures = runner.figures(members)
    if not figures:
        raise ConfigurationError(f"{runner.home} holds no student yet: run without --table-only")
    times = milliseconds({name: runner.file(family.member(name)) for name in figures})
    found = {name: {**figures[name], "ms": times[name]} for name in figures}
    out = options.out or runner.home
    conditions = f"Seed {options.seed}; ONNX Runtime, {os.cpu_count()} CPU cores, in turns."
    table = markdown(family, found, conditions)
    print(table)
    content = {"family": family.name, "seed": options.seed, "conditions": conditions, "members": found}
    write_atomically(out / f"{family.name}.json", (json.dumps(content, indent=1) + "\n").encode())
    write_atomically(out / f"{family.name}.md", table.encode())
    draw(family, found, out / f"{family.name}.png")
    print(f"{out / family.name}.md, .json, .png")
