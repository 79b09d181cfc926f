"""Write a checkpoint as a network file, checked against itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mtl_perception.atomic_write import check_writable, write_atomically
from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend
from mtl_perception.network import Network
from training.checkpoint import load_checkpoint
from training.datasets.source import Source
from training.deployed.card import model_card
from training.deployed.deployed_network import LABEL_STRIDE, DeployedNetwork
from training.deployed.evaluation import evaluate, report
from training.deployed.input_size import input_size
from training.errors import ConfigurationError
from training.export.onnx_graph import to_onnx, with_card
from training.export.parity import parity
from training.export.replaced_file import check_same_training, keep_previous


def write_network_file(
    checkpoint: Path,
    out: Path,
    frames: Source,
    measured_on: Sequence[Source] = (),
    size: tuple[int, int] | None = None,
    *,
    own_file: bool = False,
) -> None:
    """Export a checkpoint, and print what it is worth; the file is there whole or not at all.

    Args:
        checkpoint: of a network that sees colour and predicts depth and classes.
        out: the file, ``.onnx``.
        frames: real frames, on some of which it is compared with torch.
        measured_on: where it is measured; the card tells the figures.
        size: height and width of its input; None: see ``input_size``.
        own_file: ``out`` is in the folder of the command that calls, which replaces its own files. Else it takes the
            place of an export of the same training alone, which is kept beside it if it is another network.

    Raises:
        ConfigurationError: the file is not named ``.onnx`` or may not be replaced, the checkpoint is none that can be
            exported, the export does not give what torch gives, or frames to measure on have no label.
        DatasetError: a frame is damaged.
        OSError: it cannot be written.
    """
    if out.suffix != ".onnx":
        raise ConfigurationError(f"a network file is named .onnx, not {out.name}")
    check_writable(out.parent)
    trained = load_checkpoint(checkpoint)
    taken = input_size(trained, size)
    deployed = DeployedNetwork(trained, *taken, LABEL_STRIDE)
    card = model_card(trained, out.stem, taken)
    if not own_file:
        check_same_training(out, card)
    model = to_onnx(deployed)
    exported = with_card(model, card)
    agreement = parity(deployed, exported, frames)
    print(agreement)
    agreement.check()
    network = Network.of(OnnxRuntimeBackend(exported), card, out)
    evaluations = []
    for source in measured_on:
        evaluation, per_class = evaluate(network, source)
        print(report(evaluation, per_class))
        evaluations.append(evaluation)
    exported = with_card(model, replace(card, evaluations=tuple(evaluations)))
    if not own_file and (previous := keep_previous(out, exported)):
        print(f"{out} was another network, kept as {previous}")
    write_atomically(out, exported)
    print(f"{out} ({out.stat().st_size / 1e6:.1f} MB)")
