"""``python -m training export``: a checkpoint becomes one network file for the robot, checked against itself."""

from __future__ import annotations

import argparse

from mtl_perception.argument_types import user_path
from training.datasets.source import Source
from training.deployed.input_size import add_size_option
from training.export.network_file import write_network_file


def main(argv: list[str]) -> None:
    """Export; ``argv`` follows the word ``export``."""
    parser = argparse.ArgumentParser(
        prog="python -m training export",
        description="Turn a checkpoint into one network file: resizing, normalisation, argmax and a card inside. "
        "The file is written only if it gives what torch gives on real frames. It takes the place of an export of the "
        "same training alone, which stays beside it as *.previous.onnx if it is another network.",
    )
    parser.add_argument("checkpoint", type=user_path, help="runs/NAME/last.ckpt")
    parser.add_argument("out", type=user_path, help="network file to write, *.onnx")
    parser.add_argument("--frames", required=True, metavar="FOLDER:SPLIT", help="real frames to compare with torch on")
    parser.add_argument(
        "--evaluate", nargs="+", default=[], metavar="FOLDER:SPLIT", help="measure on these; the card tells the figures"
    )
    add_size_option(parser, "the file")
    options = parser.parse_args(argv)
    frames = Source.parse(options.frames, ".")
    measured_on = [Source.parse(text, ".") for text in options.evaluate]
    write_network_file(options.checkpoint, options.out, frames, measured_on, options.size)
