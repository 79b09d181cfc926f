"""``python -m training export``: a checkpoint becomes one network file for the robot, checked against itself."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch

from mtl_perception.argument_types import user_path
from mtl_perception.atomic_write import check_writable, write_atomically
from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend
from mtl_perception.letterbox import Letterbox
from mtl_perception.model_card import METADATA_KEY, ModelCard
from mtl_perception.network import Network
from training.checkpoint import load_checkpoint
from training.datasets.source import Source
from training.deployed_network import LABEL_STRIDE, DeployedNetwork
from training.errors import ConfigurationError
from training.evaluate import evaluate, report
from training.input_size import add_size_option, input_size
from training.replaced_file import check_same_training, keep_previous
from training.torch_backend import TorchBackend, model_card

PARITY_FRAMES = 16
LARGEST_DEPTH_ERROR = 1e-3
"""Relative, of any pixel."""
LEAST_AGREEMENT = 0.999
"""Share of pixels of one class, and share of pixels whose confidence is within one step of 255."""
OUTPUTS = ["depth", "segmentation", "confidence"]


@dataclass(frozen=True)
class Parity:
    """How far an exported network is from torch on real frames.

    Attributes:
        frames: how many were compared.
        depth: largest relative difference of depth.
        classes: share of pixels of the same class.
        confidence: share of pixels whose confidence differs by at most 1 of 255.
    """

    frames: int
    depth: float
    classes: float
    confidence: float

    def __str__(self) -> str:
        return (
            f"parity with torch on {self.frames} frames: depth within {self.depth:.1e}, "
            f"same class for {self.classes:.4%} of the pixels, same confidence for {self.confidence:.4%}"
        )

    def check(self) -> None:
        """Raise ``ConfigurationError`` where the two differ by more than rounding."""
        # So put that what is no number is refused, too.
        if not (self.depth <= LARGEST_DEPTH_ERROR and min(self.classes, self.confidence) >= LEAST_AGREEMENT):
            raise ConfigurationError(f"the export is refused, it is not the same network: {self}")


def to_onnx(deployed: DeployedNetwork) -> onnx.ModelProto:
    """The network as ONNX, weights inside."""
    example = torch.zeros(1, *deployed.size, 3, dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            deployed.eval(),
            (example,),
            path,
            input_names=["image"],
            output_names=OUTPUTS,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return onnx.load(path)


def with_card(model: onnx.ModelProto, card: ModelCard) -> bytes:
    """The bytes of the network file: ``model``, saying of itself what ``card`` says and nothing else."""
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    # The exporter notes for each operation which line of Python made it, with the path of this machine.
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.checker.check_model(model)
    return model.SerializeToString()


def parity(deployed: DeployedNetwork, exported: bytes, source: Source) -> Parity:
    """Compare the two on frames spread over ``source``."""
    theirs, ours = TorchBackend(deployed), OnnxRuntimeBackend(exported)
    depth, classes, confidence = [], [], []
    for name in source.spread(PARITY_FRAMES).names:
        rgb = source.folder.read_rgb(name)
        image = Letterbox(rgb.shape[:2], deployed.size).to_network(rgb)
        a, b = theirs.run(image), ours.run(image)
        depth.append(float((np.abs(a[0] - b[0]) / a[0]).max()))
        classes.append(float((a[1] == b[1]).mean()))
        confidence.append(float((np.abs(a[2].astype(int) - b[2]) <= 1).mean()))
    return Parity(len(depth), float(np.max(depth)), float(np.mean(classes)), float(np.mean(confidence)))


def main(argv: list[str], *, own_file: bool = False) -> None:
    """Export; ``argv`` follows the word ``export``.

    Args:
        argv: what to export, and where to.
        own_file: where to is in the folder of the command that calls, which replaces its own files.
    """
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
    if options.out.suffix != ".onnx":
        raise ConfigurationError(f"a network file is named .onnx, not {options.out.name}")
    check_writable(options.out.parent)
    frames = Source.parse(options.frames, ".")
    measured_on = [Source.parse(text, ".") for text in options.evaluate]
    trained = load_checkpoint(options.checkpoint)
    size = input_size(trained, options.size)
    deployed = DeployedNetwork(trained, *size, LABEL_STRIDE)
    card = model_card(trained, options.out.stem, size)
    if not own_file:
        check_same_training(options.out, card)
    model = to_onnx(deployed)
    exported = with_card(model, card)
    agreement = parity(deployed, exported, frames)
    print(agreement)
    agreement.check()
    network = Network.of(OnnxRuntimeBackend(exported), card, options.out)
    evaluations = []
    for source in measured_on:
        evaluation, per_class = evaluate(network, source)
        print(report(evaluation, per_class))
        evaluations.append(evaluation)
    exported = with_card(model, replace(card, evaluations=tuple(evaluations)))
    if not own_file and (previous := keep_previous(options.out, exported)):
        print(f"{options.out} was another network, kept as {previous}")
    write_atomically(options.out, exported)
    print(f"{options.out} ({options.out.stat().st_size / 1e6:.1f} MB)")
