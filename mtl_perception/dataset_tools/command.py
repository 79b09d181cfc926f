"""The commands ``mtl-perception dataset ...``: arguments, and what is said when the work is done."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtl_perception.argument_types import positive
from mtl_perception.dataset_folder import DatasetFolder

_FOLDER_HELP = "data set folder (it has a dataset.json)"


def add_dataset_commands(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the commands; each leaves what to call as ``dataset_command``.

    It takes the parsed options, and returns the exit code. It may raise DatasetError, BagError and OSError.
    """
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_export_bag(commands)


def _add_export_bag(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "export-bag",
        help="as a rosbag2, at the times the frames were taken",
        description="Write colour, depth and camera info as one MCAP file that `mtl-perception replay` and "
        "`ros2 bag play` play. Stamps are those of the index, where the logger wrote one.",
    )
    parser.add_argument("folder", type=Path, help=_FOLDER_HELP)
    parser.add_argument("out", type=Path, help="file to write, named .mcap")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--run", help="only this run of the logger")
    which.add_argument("--sequence", help="only this sequence")
    which.add_argument("--split", help="only this split")
    parser.add_argument(
        "--rate",
        type=positive,
        help="frames a second, in place of the index's times (without either: the folder's own, else 10)",
    )
    parser.add_argument("--raw", action="store_true", help="uncompressed images")
    parser.set_defaults(dataset_command=_export_bag)


def _export_bag(options: argparse.Namespace) -> int:
    from mtl_perception.dataset_tools.export_bag import chosen_frames, export_bag

    folder = DatasetFolder(options.folder)
    names = chosen_frames(folder, options.sequence, options.split, options.run)
    when = export_bag(folder, names, options.out, rate=options.rate, raw=options.raw)
    print(f"{len(names)} frames {when}, in {options.out} ({options.out.stat().st_size / 1e6:.1f} MB)")
    return 0
