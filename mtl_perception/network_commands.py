"""The commands of a network file by itself: ``mtl-perception predict`` and ``info``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mtl_perception.argument_types import MODEL_HELP, positive, user_path
from mtl_perception.runtime_arguments import add_runtime_arguments, runtime_of
from mtl_perception.share import model_path


def add_network_commands(commands: argparse._SubParsersAction) -> None:
    """Add them; each leaves what to call as ``command``: of the options, to the exit code.

    It may raise NetworkError, DatasetError and OSError.
    """
    predict = commands.add_parser("predict", help="run the network on a picture or a folder of pictures")
    predict.add_argument("source", type=user_path, help="picture, folder of pictures, or data set folder")
    predict.add_argument(
        "--out", type=user_path, default=Path("predictions"), help="folder to write to (default: %(default)s)"
    )
    predict.add_argument("--model", default="", help=MODEL_HELP)
    predict.add_argument(
        "--focal-length",
        type=positive,
        metavar="PX",
        help="the camera's, pixels: without it depth is right only up to scale",
    )
    add_runtime_arguments(predict)
    predict.set_defaults(command=_predict)

    info = commands.add_parser("info", help="what a network file says of itself")
    info.add_argument("model", nargs="?", default="", help=MODEL_HELP)
    info.set_defaults(command=_info)


def _predict(options: argparse.Namespace) -> int:
    from mtl_perception.network import Network
    from mtl_perception.predict import predict

    network = Network(model_path(options.model), runtime_of(options))
    count = predict(options.source, network, options.out, options.focal_length)
    print(f"{count} pictures predicted with {network.card.name} on {network.device}, in {options.out}")
    for library in network.passed_over:
        print(f"  not run by {library}", file=sys.stderr)
    return 0


def _info(options: argparse.Namespace) -> int:
    from mtl_perception.network import read_card

    path = model_path(options.model)
    card = read_card(path)
    print(f"{card.name}: {card.architecture}")
    megabytes = path.stat().st_size / 1e6
    print(f"  file       {path} ({megabytes:.1f} MB), exported {card.date} at {card.commit}")
    print(f"  input      {card.input_width}x{card.input_height} RGB; other sizes are padded to this shape")
    print(f"  depth      {card.depth_min:g} to {card.depth_max:g} m for a focal length of {card.focal_length:g} px")
    print(f"  licence    {card.licence}")
    for data in card.training_data:
        print(f"  trained on {data.name}: {data.frames} frames, {data.licence}")
    for evaluation in card.evaluations:
        values = ", ".join(f"{name} {value:.3f}" for name, value in evaluation.values.items())
        print(f"  measured   {evaluation.data} {evaluation.split} ({evaluation.frames} frames): {values}")
    print(f"  classes    {', '.join(f'{c.id} {c.name}' for c in card.classes)}")
    return 0
