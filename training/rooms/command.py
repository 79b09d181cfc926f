"""``python -m training rooms``: render a data set of synthetic furnished rooms."""

from __future__ import annotations

import argparse
import os

from mtl_perception.argument_types import user_path
from training.errors import ConfigurationError
from training.rooms.generate import VIEWS_PER_ROOM, Settings, generate

HOUSE_FOCAL = 207.5 / 320
"""Default focal length as a share of the width, that of the ``house`` data: 75 degrees across."""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = argparse.ArgumentParser(
        prog="python -m training rooms",
        description="Render furnished rooms by ray casting into a data set folder: colour, exact depth, NYU40 classes, "
        "objects and camera poses, room beside room in one world. The same seed gives the same files with any number "
        "of workers. If it is interrupted, the same command goes on where it stopped.",
        epilog="examples: 'rooms data/rooms --frames 600' renders single views for training, five a room; "
        "'rooms data/walks --sequences 8 --frames-per-sequence 50' renders eight walks at 10 Hz. "
        "The splits train and val never share a room.",
    )
    p.add_argument(
        "out", metavar="OUT", type=user_path, help="folder to make; dataset.json appears in it last, when all is whole"
    )
    p.add_argument(
        "--frames", type=int, help=f"single views, {VIEWS_PER_ROOM} a room (default: 600, or none with --sequences)"
    )
    p.add_argument("--sequences", type=int, default=0, help="walks through a room, one room each (default: 0)")
    p.add_argument("--frames-per-sequence", type=int, default=50, help="frames of each walk (default: 50)")
    p.add_argument("--rate", type=float, default=10.0, help="frames a second of the walks (default: 10)")
    p.add_argument("--size", default="320x240", help="WIDTHxHEIGHT, pixels (default: 320x240)")
    p.add_argument("--focal", type=float, help="focal length, pixels (default: 0.648 of the width, 75 degrees across)")
    p.add_argument("--val", type=float, default=0.15, help="share of the rooms kept for the split val (default: 0.15)")
    p.add_argument("--seed", type=int, default=0, help="(default: 0)")
    p.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    return p


def settings(args: argparse.Namespace) -> Settings:
    """Check the arguments.

    Raises:
        ConfigurationError: one of them cannot be; the message names it.
    """
    try:
        width, height = (int(v) for v in args.size.lower().split("x"))
    except ValueError:
        raise ConfigurationError(f"--size {args.size}: write it as 320x240") from None
    frames = args.frames if args.frames is not None else (0 if args.sequences else 600)
    focal = args.focal if args.focal is not None else HOUSE_FOCAL * width
    for name, value, good in (
        ("--size", args.size, 16 <= width <= 8192 and 16 <= height <= 8192),
        ("--focal", focal, 1 <= focal < 1e6),
        ("--frames", frames, frames >= 0),
        ("--sequences", args.sequences, args.sequences >= 0),
        ("--frames-per-sequence", args.frames_per_sequence, args.frames_per_sequence >= 1),
        ("--rate", args.rate, 0 < args.rate < 1000),
        ("--val", args.val, 0 <= args.val <= 1),
        ("--seed", args.seed, args.seed >= 0),
        ("--workers", args.workers, args.workers >= 1),
    ):
        if not good:
            raise ConfigurationError(f"{name} {value} is out of range")
    if frames + args.sequences == 0:
        raise ConfigurationError("nothing to render: give --frames or --sequences")
    return Settings(
        frames, args.sequences, args.frames_per_sequence, args.rate, width, height, focal, args.val, args.seed
    )


def main(argv: list[str]) -> int:
    """Run the command; returns the exit status.

    Raises:
        ConfigurationError: an argument cannot be, or the folder cannot be written.
        DatasetError: the folder already holds a data set.
    """
    args = parser().parse_args(argv)
    try:
        info = generate(args.out, settings(args), args.workers)
    except OSError as error:
        raise ConfigurationError(f"cannot write {error.filename or args.out}: {error.strerror}") from error
    print(f"{args.out}: {len(info.splits['train'])} train and {len(info.splits['val'])} val frames")
    return 0
