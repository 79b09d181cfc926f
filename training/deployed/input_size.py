"""The input of a network as the robot runs it: ``--size``, and what it is where nobody says."""

from __future__ import annotations

import argparse

from training.checkpoint import TrainedNetwork

CAMERA_SIZE = (480, 640)
"""Height and width of the pictures of most cameras that measure depth too."""
TOLERANCE = 0.01
"""Share by which the proportions of the input and of the working size may differ."""


def add_size_option(parser: argparse.ArgumentParser, of: str) -> None:
    """Add ``--size``; ``of`` says of what it is the input."""
    usual = "x".join(map(str, CAMERA_SIZE))
    parser.add_argument(
        "--size",
        type=parse_size,
        metavar="HxW",
        help=f"input of {of}, in the proportion of the working size "
        f"(default: {usual} where that is its proportion, else the working size)",
    )


def is_in_proportion(trained: TrainedNetwork, size: tuple[int, int]) -> bool:
    """Whether an input of that height and width is brought to the working size without being squashed."""
    height, width = size
    return abs(width / height * trained.height / trained.width - 1) <= TOLERANCE


def parse_size(text: str) -> tuple[int, int]:
    """Height and width of what ``--size`` says.

    Raises:
        argparse.ArgumentTypeError: it is no size.
    """
    height, cross, width = text.partition("x")
    if not (cross and height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        usual = "x".join(map(str, CAMERA_SIZE))
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH in pixels, e.g. {usual}")
    return int(height), int(width)


def input_size(trained: TrainedNetwork) -> tuple[int, int]:
    """Height and width of the input where nobody says: a camera's, where that squashes nothing, else as it works."""
    return CAMERA_SIZE if is_in_proportion(trained, CAMERA_SIZE) else (trained.height, trained.width)
