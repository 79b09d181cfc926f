"""Points of frames: the labels of every task and the features of every network there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from training.checkpoint import TrainedNetwork
from training.datasets.sample import IGNORE, Sample
from training.models.backbone import STRIDES
from training.models.modalities import encode

POINTS_A_FRAME = 64

CHANNELS = {"depth": 1, "normals": 3, "offsets": 2}
"""Tasks whose labels are numbers, and how many a pixel; those of all others are classes."""


@dataclass(frozen=True)
class Points:
    """What is known at N points, drawn alike from every frame.

    Attributes:
        labels: by task, of a class (N,) int64 with -1 where unknown, else (N, C) float64 with NaN where unknown.
        features: by network (N, D) float32, the backbone's at the four strides, one after the other.
        pooled: by network (frames, D) float32, the mean of those over each frame.
    """

    labels: Mapping[str, np.ndarray]
    features: Mapping[str, np.ndarray]
    pooled: Mapping[str, np.ndarray]


@torch.inference_mode()
def draw_points(
    samples: Dataset[Sample], tasks: Sequence[str], networks: Mapping[str, TrainedNetwork], seed: int = 0
) -> Points:
    """Draw ``POINTS_A_FRAME`` cells of stride 4 of each frame, and look there.

    Args:
        samples: frames at one working size, not augmented.
        tasks: whose labels.
        networks: by name; they look at colour alone.
        seed: of the draw.
    """
    random = np.random.default_rng(seed)
    labels: dict[str, list[np.ndarray]] = {task: [] for task in tasks}
    features: dict[str, list[np.ndarray]] = {name: [] for name in networks}
    pooled: dict[str, list[np.ndarray]] = {name: [] for name in networks}
    for index in tqdm(range(len(samples)), desc="looking at frames", unit="frame", disable=None):  # type: ignore[arg-type]
        sample = samples[index]
        height, width = (side // STRIDES[0] for side in sample["image"].shape[-2:])
        cells = random.choice(height * width, min(POINTS_A_FRAME, height * width), replace=False)
        rows, columns = torch.from_numpy(cells // width), torch.from_numpy(cells % width)
        for task in tasks:
            labels[task].append(_label(task, sample, rows, columns))
        for name, trained in networks.items():
            maps = trained.network.backbone(encode({"image": sample["image"][None]}, trained.inputs))
            at_points = [
                m[0][:, rows * STRIDES[0] // s, columns * STRIDES[0] // s].T for s, m in zip(STRIDES, maps, strict=True)
            ]
            features[name].append(torch.cat(at_points, 1).numpy())
            pooled[name].append(torch.cat([m[0].mean((1, 2)) for m in maps]).numpy())
    return Points(
        {task: np.concatenate(parts) for task, parts in labels.items()},
        {name: np.concatenate(parts) for name, parts in features.items()},
        {name: np.stack(parts) for name, parts in pooled.items()},
    )


def _label(task: str, sample: Sample, rows: Tensor, columns: Tensor) -> np.ndarray:
    """A task's label at the centres of cells; unknown everywhere where the frame has none."""
    centre = STRIDES[0] // 2
    label: Tensor | None = sample.get(task)  # type: ignore[assignment]
    if label is None:
        return np.full((len(rows), CHANNELS[task]), np.nan) if task in CHANNELS else np.full(len(rows), -1)
    values = label[..., rows * STRIDES[0] + centre, columns * STRIDES[0] + centre].numpy()
    if task == "semantic":
        return np.where(values == IGNORE, -1, values).astype(np.int64)
    if task == "edges":
        return np.round(values).astype(np.int64)
    values = np.atleast_2d(values).T.astype(np.float64)
    if task in ("depth", "normals"):  # 0 is unknown of the one, all 0 of the other
        values[~values.any(1)] = np.nan
    return values
