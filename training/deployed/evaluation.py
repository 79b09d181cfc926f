"""Measure a network as the robot runs it: an exported file, or a checkpoint in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from mtl_perception.backends import NetworkError
from mtl_perception.model_card import Evaluation
from mtl_perception.network import Network
from training.checkpoint import load_checkpoint
from training.checkpoint_evaluation import evaluate_checkpoint, unseen_inputs
from training.datasets.source import Source, check_classes
from training.deployed.card import model_card
from training.deployed.deployed_network import DeployedNetwork
from training.deployed.input_size import input_size, size_text
from training.deployed.torch_backend import TorchBackend
from training.errors import ConfigurationError
from training.metrics.by_task import TaskMetrics, read_truth
from training.metrics.measured_figures import measured_figures
from training.models.tasks import DEPTH, SEMANTIC


def evaluate_file(
    path: Path, source: Source, size: tuple[int, int] | None = None
) -> tuple[str, Evaluation, dict[str, float]]:
    """Measure a network file (``.onnx``) or a checkpoint (``.ckpt``).

    A student's checkpoint runs as the robot runs its export of the same input, so that the two give the same
    figures; a teacher's, or one of a single task, as ``evaluate_checkpoint`` does.

    Args:
        path: of the network.
        source: the frames.
        size: height and width of the input of a student's checkpoint; None: those of its export, see ``input_size``.

    Returns:
        The network's name, its metrics, and IoU by class name.

    Raises:
        ConfigurationError: it is neither, is missing or damaged, has no input for ``size`` to choose, or looks at what
            no frame has; and see ``evaluate``.
    """
    if path.suffix == ".onnx":
        try:
            network = Network(path)
        except NetworkError as error:
            raise ConfigurationError(str(error)) from error
        if size is not None:
            taken = size_text((network.card.input_height, network.card.input_width))
            raise ConfigurationError(f"{path} takes {taken} and nothing else, not {size_text(size)}")
        return (network.card.name, *evaluate(network, source))
    trained = load_checkpoint(path)
    if reason := trained.why_not_deployable():
        if size is not None:
            raise ConfigurationError(f"{size_text(size)} would be a robot's input, and {path} has none: {reason}")
        if missing := unseen_inputs(trained, source):
            raise ConfigurationError(f"{path} looks at {missing[0]}, which no frame of {source.folder.root} has")
        return (path.stem, *evaluate_checkpoint(trained, source))
    taken = input_size(trained, size)
    card = model_card(trained, path.stem, taken)
    network = Network.of(TorchBackend(DeployedNetwork(trained, *taken)), card, path)
    evaluation, per_class = evaluate(network, source)
    if {*trained.tasks} - {DEPTH, SEMANTIC}:
        # What a robot's network leaves behind is measured on the checkpoint itself.
        further, _ = evaluate_checkpoint(trained, source)
        evaluation = replace(evaluation, values={**further.values, **evaluation.values})
    return path.stem, evaluation, per_class


def evaluate(network: Network, source: Source) -> tuple[Evaluation, dict[str, float]]:
    """Run ``network`` on every frame of ``source`` as the robot would, and measure what has labels.

    Depth is compared in true metres of the folder's own camera.

    Returns:
        Metrics of the tasks that have labels (see ``mtl_perception.metrics``), and IoU by class name.

    Raises:
        ConfigurationError: nothing is labelled, or not one pixel is known; depth has no intrinsics; or classes are
            not the network's.
        DatasetError: a file is damaged, or holds a class id that ``dataset.json`` does not name.
    """
    folder = source.folder
    names = {c.id: c.name for c in network.card.classes}
    metrics = TaskMetrics((SEMANTIC, DEPTH), max(names))
    camera = folder.info.intrinsics
    for name in tqdm(source.names, desc=f"measuring on {folder.name}", unit="frame", disable=None):
        prediction = network.predict(folder.read_rgb(name), camera.fx if camera else None)
        if folder.has(SEMANTIC, name):
            check_classes(folder, names)
            metrics.update(SEMANTIC, prediction.segmentation, read_truth(folder, SEMANTIC, name))
        if folder.has(DEPTH, name):
            if camera is None:
                raise ConfigurationError(f"{folder.root} has depth but no intrinsics: add them to dataset.json")
            metrics.update(DEPTH, prediction.depth, read_truth(folder, DEPTH, name))
    figures = measured_figures(metrics, folder)
    return Evaluation(folder.name, source.split, len(source.names), figures), metrics.by_task[SEMANTIC].per_class(names)


def report(evaluation: Evaluation, per_class: dict[str, float]) -> str:
    """The figures as lines to read."""
    lines = [f"{evaluation.data} {evaluation.split}, {evaluation.frames} frames"]
    lines += [f"  {name:18} {value:8.4f}" for name, value in evaluation.values.items()]
    lines += [f"    {name:16} {value:8.4f}" for name, value in sorted(per_class.items(), key=lambda item: -item[1])]
    return "\n".join(lines)
