"""Measure a checkpoint of any inputs and tasks: teachers, single-task networks, every row of a study alike."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from mtl_perception.model_card import Evaluation
from training.checkpoint import TrainedNetwork
from training.datasets.derived.sources import carries
from training.datasets.label_choice import ALL_LABELS
from training.datasets.source import Source, check_classes
from training.frame_prediction import NamedFrames, collate_named, predict_maps
from training.metrics.by_task import TaskMetrics, read_truth
from training.metrics.measured_figures import measured_figures
from training.models.tasks import SEMANTIC

BATCH_SIZE = 8


def unseen_inputs(trained: TrainedNetwork, source: Source) -> list[str]:
    """What the network looks at, beside colour, and no frame of ``source`` has."""
    looked_at = dict.fromkeys(m.label for m in trained.inputs if m.label)
    return [label for label in looked_at if not any(carries(source.folder, label, name) for name in source.names)]


@torch.inference_mode()
def evaluate_checkpoint(trained: TrainedNetwork, source: Source) -> tuple[Evaluation, dict[str, float]]:
    """Run the network on every frame of ``source``, with the labels it looks at, and measure what has labels.

    Depth is compared in true metres of the folder's own camera.

    Args:
        trained: the network.
        source: the frames.

    Returns:
        Metrics of the tasks it predicts (``mtl_perception.metrics``, ``training.metrics``), and IoU by class name.

    Raises:
        ConfigurationError: no frame has a label of a task it predicts, or not one pixel of them is known; or the
            network predicts or looks at classes, and the folder's are others.
    """
    folder = source.folder
    uses_classes = SEMANTIC in trained.tasks or SEMANTIC in [m.label for m in trained.inputs]
    if uses_classes and any(folder.has(SEMANTIC, name) for name in source.names):
        check_classes(folder, trained.classes)
    frames = NamedFrames(trained, source, ALL_LABELS)
    metrics = TaskMetrics(trained.tasks, len(trained.classes))
    device = next(trained.network.parameters()).device
    loader = DataLoader(frames, batch_size=BATCH_SIZE, collate_fn=collate_named)
    bar = tqdm(total=len(frames), desc=f"measuring on {folder.name}", unit="frame", disable=None)
    for names, batch in loader:
        inputs = {key: value.to(device) for key, value in batch.items()}
        maps = predict_maps(trained, inputs, (folder.info.height, folder.info.width))
        for i, name in enumerate(names):
            for task in trained.tasks:
                if carries(folder, task, name):
                    metrics.update(task, frames.true_map(task, maps, i), read_truth(folder, task, name))
        bar.update(len(names))
    bar.close()
    figures = measured_figures(metrics, folder)
    iou = metrics.by_task[SEMANTIC].per_class(trained.classes) if SEMANTIC in trained.tasks else {}
    return Evaluation(folder.name, source.split, len(source.names), figures), iou
