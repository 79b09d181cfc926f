"""``python -m training compare-labels``: at which resolution to decide the class, for accuracy and for time."""

from __future__ import annotations

import argparse
import time

import numpy as np

from mtl_perception.argument_types import user_path
from mtl_perception.atomic_write import write_atomically
from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend
from mtl_perception.network import Network
from training.checkpoint import load_checkpoint
from training.datasets.source import Source
from training.deployed.card import model_card
from training.deployed.deployed_network import LABEL_STRIDE, DeployedNetwork
from training.deployed.evaluation import evaluate
from training.deployed.input_size import add_size_option, input_size
from training.errors import ConfigurationError
from training.export.onnx_graph import to_onnx, with_card
from training.models.tasks import SEMANTIC

STRIDES = {
    4: "where the network predicts (1/4 of the working size)",
    2: "at 1/2 of the working size",
    1: "at the working size",
    0: "at the image's own size",
}
ROUNDS = 30


def main(argv: list[str]) -> None:
    """Compare; ``argv`` follows the word ``compare-labels``."""
    parser = argparse.ArgumentParser(
        prog="python -m training compare-labels",
        description="Export a checkpoint with the class decided at several resolutions; print mIoU and time of each.",
    )
    parser.add_argument("checkpoint", type=user_path, help="runs/NAME/last.ckpt")
    parser.add_argument("frames", metavar="FOLDER:SPLIT", help="labelled frames")
    add_size_option(parser, "the exports")
    parser.add_argument("--out", type=user_path, help="write the table here too, as Markdown")
    options = parser.parse_args(argv)
    trained = load_checkpoint(options.checkpoint)
    source = Source.parse(options.frames, ".")
    _check_labelled(source, options.frames)
    size = input_size(trained, options.size)
    card = model_card(trained, "comparison", size)
    backends = {
        stride: OnnxRuntimeBackend(with_card(to_onnx(DeployedNetwork(trained, *size, stride)), card))
        for stride in STRIDES
    }
    milliseconds = _times(backends, size)
    rows = ["| the class is decided | mIoU | pixel accuracy | network, ms (median) |", "|---|---|---|---|"]
    for stride, where in STRIDES.items():
        network = Network.of(backends[stride], card, options.checkpoint)
        evaluation, _ = evaluate(network, source)
        values = evaluation.values
        chosen = " (the default)" if stride == LABEL_STRIDE else ""
        rows.append(
            f"| {where}{chosen} | {values['miou']:.4f} | {values['pixel_accuracy']:.4f} | {milliseconds[stride]:.2f} |"
        )
    table = "\n".join(rows)
    print(table)
    if options.out:
        write_atomically(options.out, (table + "\n").encode())


def _check_labelled(source: Source, frames: str) -> None:
    """Find out before the work that there is something to measure; recordings have depth and no classes.

    Raises:
        ConfigurationError: no pixel of the frames has a class.
    """
    folder = source.folder
    if not any(folder.has(SEMANTIC, name) and folder.read_semantic(name).any() for name in source.names):
        raise ConfigurationError(f"{frames} has no classes to compare with: name frames with labels in semantic/")


def _times(backends: dict[int, OnnxRuntimeBackend], size: tuple[int, int]) -> dict[int, float]:
    """Median milliseconds of each on one frame, in turn, so that a busy moment of the machine hits all alike."""
    image = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    times: dict[int, list[float]] = {stride: [] for stride in backends}
    for _ in range(ROUNDS):
        for stride, backend in backends.items():
            start = time.perf_counter()
            backend.run(image)
            times[stride].append((time.perf_counter() - start) * 1e3)
    return {stride: float(np.median(values)) for stride, values in times.items()}
