"""``python -m training prepare``: official files of a public data set into a data set folder."""

from __future__ import annotations

import argparse
import sys

from mtl_perception.argument_types import user_path
from training.errors import ConfigurationError
from training.prepare.conversion import PublicSet, check_free, convert
from training.prepare.splits import incomplete


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = argparse.ArgumentParser(
        prog="python -m training prepare",
        description="Turn the official files of a public data set into a data set folder, the one layout that fit, "
        "evaluate and the rest read. If it is interrupted, the same command goes on where it stopped. "
        "docs/data.md tells which files to download and where from.",
        epilog="examples: 'prepare nyudv2 downloads/nyudv2 data/nyudv2'; "
        "'prepare cityscapes downloads/cityscapes data/cityscapes --height 512'.",
    )
    sets = p.add_subparsers(dest="set", metavar="SET", required=True, help="nyudv2 or cityscapes")
    nyudv2 = sets.add_parser(
        "nyudv2",
        help="NYU Depth v2: 1449 labelled frames of rooms, 640x480, 40 classes",
        description="NYU Depth v2, the 1449 labelled frames at 640x480 with 40 classes. "
        "Splits: train (795) and test (654), and of these the paper's sizes, train_500 and val_395.",
    )
    _common(nyudv2, "folder with nyu_depth_v2_labeled.mat, splits.mat and classMapping40.mat")
    nyudv2.add_argument(
        "--depth",
        choices=("measured", "inpainted"),
        default="measured",
        help="measured: what the sensor saw, with holes where it saw nothing; inpainted: the holes filled by the "
        "data set's authors, as many papers use it (default: measured)",
    )
    cityscapes = sets.add_parser(
        "cityscapes",
        help="Cityscapes: 3475 street scenes, 19 classes, stereo depth",
        description="Cityscapes, the 3475 finely labelled street scenes with 19 classes and stereo depth. "
        "Splits: train (2975) and val (500), and of these the paper's sizes for few labels, train_300 and val_200.",
    )
    _common(
        cityscapes,
        "folder with leftImg8bit, gtFine, disparity and camera, each unpacked or as KIND_trainvaltest.zip",
    )
    cityscapes.add_argument(
        "--height", type=int, default=512, help="of the frames, pixels, at most 1024; twice as wide (default: 512)"
    )
    return p


def _common(p: argparse.ArgumentParser, source: str) -> None:
    p.add_argument("source", metavar="SOURCE", type=user_path, help=source)
    p.add_argument(
        "out", metavar="OUT", type=user_path, help="folder to make; dataset.json appears in it last, when all is whole"
    )
    p.add_argument(
        "--skip-checksums", action="store_true", help="do not compare the files' checksums with the official ones"
    )


def main(argv: list[str]) -> int:
    """Run the command; returns the exit status.

    Raises:
        ConfigurationError: an argument cannot be, or the folder cannot be written.
        DatasetError: an official file is missing or damaged, or the folder already holds a data set.
    """
    args = parser().parse_args(argv)
    try:
        check_free(args.out)
        public = _open(args)
        if lacking := incomplete(public.info.splits, public.sizes):
            print(f"warning: {args.source} does not hold the whole set: {lacking}", file=sys.stderr)
        convert(public, args.out)
    except OSError as error:
        raise ConfigurationError(f"cannot write {error.filename or args.out}: {error.strerror}") from error
    print(f"{args.out}: " + ", ".join(f"{split} {len(names)}" for split, names in public.info.splits.items()))
    return 0


def _open(args: argparse.Namespace) -> PublicSet:
    check = not args.skip_checksums
    if args.set == "nyudv2":
        from training.prepare import nyudv2

        return nyudv2.open_set(args.source, args.depth, check)
    from training.prepare import cityscapes

    if not 32 <= args.height <= cityscapes.HEIGHT:
        raise ConfigurationError(f"--height {args.height} is out of range: 32 to {cityscapes.HEIGHT}")
    return cityscapes.open_set(args.source, args.height, check)
