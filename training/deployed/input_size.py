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
    parser.add_argument(
        "--size",
        type=parse_size,
        metavar="HxW",
        help=f"input of {of}, in the proportion of the working size "
        f"(default: {size_text(CAMERA_SIZE)} where that is its proportion, else the working size)",
    )


def is_in_proportion(working: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether an input of height and width ``size`` is brought to those of ``working`` without being squashed."""
    (height, width), (working_height, working_width) = size, working
    return abs(width / height * working_height / working_width - 1) <= TOLERANCE


def size_text(size: tuple[int, int]) -> str:
    """``(480, 640)`` as ``--size`` says it."""
    return "x".join(map(str, size))


def parse_size(text: str) -> tuple[int, int]:
    """Height and width of what ``--size`` says.

    Raises:
        argparse.ArgumentTypeError: it is no size.
    """
    height, cross, width = text.partition("x")
    if not (cross and height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH in pixels, e.g. {size_text(CAMERA_SIZE)}")
    return int(height), int(width)


def input_size(trained: TrainedNetwork, wanted: tuple[int, int] | None = None) -> tuple[int, int]:
    """Height and width of the input: as ``wanted``, else a camera's where that squashes nothing, else as it works."""
    working = (trained.height, trained.width)
    return wanted or (CAMERA_SIZE if is_in_proportion(working, CAMERA_SIZE) else working)
