"""``python -m training evaluate``: measure a network on a data set folder."""

from __future__ import annotations

import argparse

from mtl_perception.argument_types import user_path
from mtl_perception.json_file import write_json
from training.datasets.source import Source
from training.deployed.evaluation import evaluate_file, report
from training.deployed.input_size import add_size_option


def main(argv: list[str]) -> None:
    """Measure; ``argv`` follows the word ``evaluate``."""
    parser = argparse.ArgumentParser(
        prog="python -m training evaluate",
        description="Measure a checkpoint or an exported network on a data set folder; a student's checkpoint and its "
        "export of the same --size give the same figures.",
    )
    parser.add_argument("network", type=user_path, help="checkpoint (.ckpt) or network file (.onnx)")
    parser.add_argument("folder", help="data set folder")
    parser.add_argument("--split", help="only this split (default: all frames)")
    add_size_option(parser, "a student's checkpoint")
    parser.add_argument("--json", type=user_path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args(argv)
    source = Source.parse(f"{options.folder}:{options.split}" if options.split else options.folder, ".")
    name, evaluation, per_class = evaluate_file(options.network, source, options.size)
    print(report(evaluation, per_class))
    if options.json:
        content = {"network": name, **vars(evaluation), "iou": per_class}
        write_json(options.json, content)
