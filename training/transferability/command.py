"""``python -m training transferability``: what can be said of tasks before any teacher is trained."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mtl_perception.argument_types import at_least_one, user_path
from mtl_perception.json_file import write_json
from training.affinity.matrix_file import gains, read_matrix
from training.affinity.rows import single_name
from training.affinity.runner import AffinityRunner
from training.affinity.study import PREFIX, known_studies, read_affinity_study
from training.cheap_version import cheap_version
from training.checkpoint import TrainedNetwork, load_checkpoint
from training.data_root import add_root_option, data_root
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.derived.sources import DERIVED_FROM
from training.datasets.folder import FolderDataset
from training.datasets.label_choice import LabelChoice
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.models.modalities import RGB
from training.results_page import write_page
from training.transferability.measures import MEASURES, measure_pairs
from training.transferability.plot import draw
from training.transferability.rank_correlation import rank_correlations
from training.transferability.sampling import draw_points
from training.transferability.table import markdown
from training.yaml_file import STUDIES

TASKS = ("depth", "semantic", *DERIVED_FROM)
FRAMES = 200
LEAST_FRAMES = 3
CAMERA = CanonicalCamera(96, 128, 105.0)
"""Of the label maps, where no network says another."""


def main(argv: list[str]) -> None:
    """Measure; ``argv`` follows the word ``transferability``."""
    parser = argparse.ArgumentParser(
        prog="python -m training transferability",
        description="Which task may help which, told without a teacher: of each ordered pair of tasks what the labels "
        "of the one tell of the other's at the same pixel, and, given a network of each task alone, how well its "
        "features carry the other's labels and how alike the two see. Beside the matrix that "
        "`affinity` measured, it tells which of these numbers would have foretold it.",
        epilog="examples: 'transferability house --cheap', with what `affinity house --cheap` has trained; "
        "'transferability DATA/kitchen:train --tasks depth semantic --out told.md'.",
    )
    parser.add_argument(
        "frames",
        metavar="STUDY|FOLDER:SPLIT",
        help=f"a study of `affinity` ({', '.join(known_studies())}), whose tasks, networks of one task and matrix are "
        "taken as far as there are such; or frames with the labels of --tasks",
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, help="two or more; needed for a folder")
    parser.add_argument(
        "--networks", nargs="+", type=user_path, metavar="CHECKPOINT", help="networks of one of the tasks each"
    )
    parser.add_argument("--affinity", type=user_path, metavar="JSON", help="what `affinity` measured, to compare with")
    parser.add_argument("--cheap", action="store_true", help="of a study its cheap version")
    add_root_option(parser, "of a study, ")
    parser.add_argument(
        "--count", type=at_least_one, default=FRAMES, help="frames to look at, spread (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the points looked at (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=user_path,
        metavar="FILE.md",
        help="table; .json and .png go beside it; needed for a folder (default of a study: "
        "runs/STUDY/transferability.md)",
    )
    options = parser.parse_args(argv)
    root = "."
    if options.frames in known_studies():
        root = data_root(options.root)
        _take_from_study(options, root)
    if not (options.tasks and options.out):
        raise ConfigurationError(f"{options.frames} is no study ({', '.join(known_studies())}): say --tasks and --out")
    if len(set(options.tasks)) < 2:
        raise ConfigurationError(f"--tasks {' '.join(options.tasks)}: two different ones are needed for a pair")
    if options.out.suffix != ".md":
        raise ConfigurationError(f"--out {options.out} is a file *.md")
    gained = gains(read_matrix(options.affinity)) if options.affinity else {}
    networks = _networks(options.networks or [], options.tasks)
    source = Source.parse(options.frames, root)
    names = _frames(source, options.tasks, options.count)
    some = next(iter(networks.values()), None)
    camera = CanonicalCamera(some.height, some.width, some.focal_length) if some else CAMERA
    samples = FolderDataset(source.folder, names, camera, augment=False, choice=_all_of(options.tasks))
    points = draw_points(samples, options.tasks, networks, options.seed)
    _check_constant(points.labels, options.frames)
    pairs = measure_pairs(points)
    content = {
        "frames": options.frames,
        "count": len(names),
        "seed": options.seed,
        "networks": sorted(networks),
        "pairs": pairs,
        "gains": gained,
        "rank_correlation": rank_correlations(pairs, gained),
    }
    write_json(options.out.with_suffix(".json"), content)
    picture = options.out.with_suffix(".png")
    if content["rank_correlation"]:
        draw(content, picture)
    table = markdown(content, MEASURES, picture.name)
    write_page(options.out, table)
    print(table)


def _take_from_study(options: argparse.Namespace, root: str) -> None:
    """Let a study say what the options do not."""
    study = read_affinity_study(STUDIES / f"{PREFIX}{options.frames}.yaml")
    study = cheap_version(study) if options.cheap else study
    runner = AffinityRunner(study, root)
    singles = {single_name(task) for task in study.tasks}
    trained = [runner.checkpoint(r) for r in runner.runs() if r.row.name in singles and r.seed == study.seeds[0]]
    matrix = runner.home / f"{study.name}.json"
    options.frames = study.source
    options.tasks = options.tasks or list(study.tasks)
    options.networks = options.networks or [path for path in trained if path.exists()]
    options.affinity = options.affinity or (matrix if matrix.exists() else None)
    options.out = options.out or runner.home / "transferability.md"


def _networks(paths: Sequence[Path], tasks: Sequence[str]) -> dict[str, TrainedNetwork]:
    """The networks by their task; all of one working size."""
    found: dict[str, TrainedNetwork] = {}
    for path in paths:
        trained = load_checkpoint(path)
        if [m.name for m in trained.inputs] != [RGB] or len(trained.tasks) != 1 or trained.tasks[0] not in tasks:
            raise ConfigurationError(
                f"{path} predicts {' and '.join(trained.tasks)} from {' and '.join(m.name for m in trained.inputs)}: "
                f"needed is a network of one of {', '.join(tasks)} from rgb"
            )
        if trained.tasks[0] in found:
            raise ConfigurationError(f"{path} is a second network of {trained.tasks[0]}")
        found[trained.tasks[0]] = trained
    sizes = {(t.height, t.width, t.focal_length) for t in found.values()}
    if len(sizes) > 1:
        raise ConfigurationError(f"the networks are of different working sizes: {sorted(sizes)}")
    return found


def _all_of(tasks: Sequence[str]) -> LabelChoice:
    return LabelChoice(derived=tuple(task for task in tasks if task in DERIVED_FROM))


def _frames(source: Source, tasks: Sequence[str], count: int) -> list[str]:
    """Frames that carry the labels of all tasks, spread over the source."""
    choice = _all_of(tasks)
    names = [n for n in source.names if all(choice.has(source.folder, task, n) for task in tasks)]
    if len(names) < LEAST_FRAMES:
        raise ConfigurationError(
            f"{source.folder.root}: {len(names)} frames have {' and '.join(tasks)} together, {LEAST_FRAMES} are needed"
        )
    return Source(source.folder, names).spread(count).names


def _check_constant(labels: Mapping[str, np.ndarray], frames: str) -> None:
    for task, label in labels.items():
        known = label[label >= 0] if label.ndim == 1 else label[np.isfinite(label).all(1)]
        if not len(known):
            raise ConfigurationError(f"{frames}: {task} is unknown at every point looked at")
        if (known == known[0]).all():
            raise ConfigurationError(f"{frames}: {task} is the same everywhere, there is nothing to foretell")
