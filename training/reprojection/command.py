"""``python -m training reproject-labels``: labelled frames label others that see the same place."""

from __future__ import annotations

import argparse

from mtl_perception.argument_types import user_path
from training.datasets.source import Source
from training.reprojection.labelling import DEFAULT_TAU, DEFAULT_TOLERANCE, reproject_labels


def main(argv: list[str]) -> None:
    """Label; ``argv`` follows the word ``reproject-labels``."""
    parser = argparse.ArgumentParser(
        prog="python -m training reproject-labels",
        description="Label frames by labelled ones that see the same place: with depth and poses a pixel is a point of "
        "the world, and has the class it was labelled with in another view. It needs no teacher, but poses of one "
        "world (SLAM's, or of odometry that drifts little) and things that stay where they are. First the labelled "
        "frames label one another: few of their pixels are reached where poses are wrong, or where the frames share "
        "little. `fit --data.pseudo_labels` learns from them. Interrupted, the same command goes on; where labelled "
        "frames, poses or options have changed since, it labels anew.",
    )
    parser.add_argument("frames", metavar="FOLDER:SPLIT", help="frames with depth and poses, some of them labelled")
    parser.add_argument("--budget", type=user_path, help="label budget: labels outside count as none")
    parser.add_argument("--out", type=user_path, help="where to write (default: into the data set's own folder)")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=DEFAULT_TOLERANCE,
        metavar="SHARE",
        help="two views see the same point where its depth differs by no more than this share; more for poses and "
        "depth that are less exact (default: %(default)s)",
    )
    parser.add_argument(
        "--tau",
        type=float,
        default=DEFAULT_TAU,
        help="keep a class that has more than this share of the views' votes (default: %(default)s)",
    )
    parser.add_argument(
        "--one-map",
        action="store_true",
        help="recordings (the depth logger's runs, sequences) share a map, their poses are of localisation and not of "
        "odometry that begins anew with each: labels go from one to another (default: they stay within a recording)",
    )
    options = parser.parse_args(argv)
    reproject_labels(
        Source.parse(options.frames, "."),
        out=options.out,
        budget=options.budget,
        tolerance=options.tolerance,
        tau=options.tau,
        one_map=options.one_map,
    )
