"""``python -m training pseudo-label``: a teacher writes the labels that frames lack."""

from __future__ import annotations

import argparse

from mtl_perception.argument_types import at_least_one, user_path
from training.datasets.derived.sources import DERIVED_FROM
from training.datasets.pseudo_folder import DEFAULT_TAU
from training.datasets.source import Source
from training.models.tasks import DEPTH, SEMANTIC
from training.pseudo_labels.labelling import DEFAULT_AGREEMENT, DEFAULT_BATCH_SIZE, write_pseudo_labels

TASKS = [SEMANTIC, DEPTH, *DERIVED_FROM]


def main(argv: list[str]) -> None:
    """Label; ``argv`` follows the word ``pseudo-label``."""
    parser = argparse.ArgumentParser(
        prog="python -m training pseudo-label",
        description="Let a trained teacher label the frames that have no label. True labels are never touched: "
        "pseudo-labels go to folders of their own. A report tells their quality where the data set holds a truth "
        "that the budget hides. Interrupted, the same command goes on.",
    )
    parser.add_argument(
        "teachers",
        type=user_path,
        nargs="+",
        metavar="TEACHER",
        help="checkpoint of the teacher: runs/NAME/last.ckpt; of several the mean of what they say of each class "
        "labels, e.g. of one that looks at depth and one that does not",
    )
    parser.add_argument("frames", metavar="FOLDER:SPLIT", help="frames to label")
    parser.add_argument(
        "--budget", type=user_path, help="label budget the teacher was trained on: labels outside count as none"
    )
    parser.add_argument("--out", type=user_path, help="where to write (default: into the data set's own folder)")
    parser.add_argument(
        "--tasks", nargs="+", choices=TASKS, default=[SEMANTIC], help="what to label (default: semantic)"
    )
    parser.add_argument(
        "--tau",
        type=float,
        default=DEFAULT_TAU,
        help="keep a class whose softmax is larger, an edge or none whose probability is (default: %(default)s)",
    )
    parser.add_argument(
        "--agreement",
        type=float,
        default=DEFAULT_AGREEMENT,
        help="keep depth that differs from the mirrored picture's by no more than this share, normals by no more than "
        "this 1 - cosine, offsets by no more than this share of the width (default: %(default)s)",
    )
    parser.add_argument(
        "--soft", action="store_true", help="write the probabilities of all classes too; those of edges always are"
    )
    parser.add_argument(
        "--scales",
        nargs="+",
        type=float,
        default=(),
        metavar="S",
        help="label classes by the mean over the picture at the working size enlarged S times, each also mirrored, "
        "e.g. 1 1.33 1.67, for so many times the work (default: the picture as it is)",
    )
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    parser.add_argument("--devices", type=at_least_one, default=1, help="processes or GPUs (default: 1)")
    parser.add_argument(
        "--batch-size", type=at_least_one, default=DEFAULT_BATCH_SIZE, help="frames at a time (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    write_pseudo_labels(
        options.teachers,
        Source.parse(options.frames, "."),
        out=options.out,
        budget=options.budget,
        tasks=options.tasks,
        tau=options.tau,
        agreement=options.agreement,
        soft=options.soft,
        scales=options.scales,
        accelerator=options.accelerator,
        devices=options.devices,
        batch_size=options.batch_size,
    )
