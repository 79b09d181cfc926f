"""``python -m training limits``: where pseudo-labels stop helping."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from mtl_perception.argument_types import user_path
from mtl_perception.json_file import write_json
from training.cheap_version import cheap_version
from training.data_root import add_root_option, data_root
from training.errors import ConfigurationError
from training.limits.curves import draw_curves
from training.limits.plan import cost
from training.limits.report import markdown
from training.limits.runner import LimitsRunner
from training.limits.study import PREFIX, read_limits_study
from training.limits.summary import as_json
from training.results_page import write_page
from training.yaml_file import STUDIES


def main(argv: list[str]) -> None:
    """Run a study; ``argv`` follows the word ``limits``."""
    known = sorted(path.stem.removeprefix(PREFIX) for path in STUDIES.glob(f"{PREFIX}*.yaml"))
    parser = argparse.ArgumentParser(
        prog="python -m training limits",
        description="Students of pseudo-labels against the best without, of equal steps, while something gets worse: "
        "the depth that is trained on and that the teacher looks at (as a Kinect, a stereo camera, or one with holes "
        "measured it), the poses that carry labels, the threshold, the number of labels. It says first how many "
        "trainings of how many steps that is. What has been done is not done again: stop it when you like, and give "
        "the same command to go on.",
    )
    parser.add_argument("study", help=f"one of: {', '.join(known)}; or the path of a YAML of your own")
    parser.add_argument("--curves", nargs="+", metavar="CURVE", help="only these curves")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="N", help="only these seeds")
    parser.add_argument("--cheap", action="store_true", help="the study's cheap version: small pictures, few steps")
    add_root_option(parser)
    parser.add_argument("--out", type=user_path, help="where to write tables and picture (default: runs/STUDY)")
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    parser.add_argument("--table-only", action="store_true", help="train nothing, write the tables of what there is")
    options = parser.parse_args(argv)
    path = Path(options.study) if options.study.endswith(".yaml") else STUDIES / f"{PREFIX}{options.study}.yaml"
    if not options.study.endswith(".yaml") and options.study not in known:
        raise ConfigurationError(f"no study {options.study!r}; known: {', '.join(known)}")
    study = read_limits_study(path)
    study = (cheap_version(study) if options.cheap else study).only(options.curves, options.seeds)
    root = data_root(options.root)
    runner = LimitsRunner(study, root, {"accelerator": options.accelerator})
    print(cost(study), flush=True)
    if not options.table_only:
        runner.run_all()
    results = runner.results()
    if not results:
        raise ConfigurationError(f"{runner.home} holds no result yet: run without --table-only")
    out = options.out or runner.home
    table = markdown(study, results, f"{study.name}.png")
    print(table)
    content = {"study": study.name, "torch": torch.__version__, "verdicts": as_json(results), "results": results}
    write_json(out / f"{study.name}.json", content)
    write_page(out / f"{study.name}.md", table)
    draw_curves(study, results, out / f"{study.name}.png")
    print(f"{out / study.name}.md, .json, .png")
