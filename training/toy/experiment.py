"""What is trained in one setting, and how it is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch

from training.errors import ConfigurationError
from training.toy import functions
from training.toy.functions import GRID, LABELLED, as_tensor, draw_points
from training.toy.network import StackedNetworks
from training.toy.setting import Setting
from training.toy.train import train

ROWS = {
    "st": "ST",
    "mtl": "MTL",
    "ts": "T-S",
    "blind": "T-S, teacher without f1",
}
"""A single-task network, a multi-task network, a student, and a student whose teacher, the multi-task network, does not
look at f1."""
CURVE_STEP = 10
"""Of the grid, every so manieth point is kept as a curve."""


def steps_in_all(setting: Setting, seeds: Sequence[int]) -> int:
    """Steps that ``run_setting`` takes, each network's counted."""
    return len(seeds) * (len(ROWS) * setting.long_steps + setting.short_steps)


def run_setting(
    setting: Setting, seeds: Sequence[int], progress: Callable[[int], object] = lambda steps: None
) -> dict[str, Any]:
    """Train and measure every row.

    All rows of a seed have the same points, the same first weights where shapes allow and, over the same points, the
    same order. Every row is measured after ``short_steps`` and ``long_steps``; the teachers train ``short_steps``.

    Returns:
        ``setting``, ``seeds``, ``short_steps``, ``long_steps``, ``cpu_seconds``; ``errors``, by row and length
        (``short``, ``long``) each seed's mean squared error of f2 over ``GRID``; ``pseudo_errors``, by student each
        seed's mean squared error of the pseudo-labels where f2 is hidden; ``curves``, by row and length the first
        seed's f2 at every tenth point of ``GRID``.

    Raises:
        ConfigurationError: a loss is no longer finite; the message says of which setting, row, step and seeds.
    """
    started = time.process_time()
    points = draw_points(seeds)
    few, both = points.z[:, :LABELLED], torch.cat([points.f1[:, :LABELLED], points.f2], 2)
    lengths = {"short": setting.short_steps, "long": setting.long_steps}
    fit = partial(_fit, setting=setting, seeds=seeds, progress=progress)

    single = fit("st", few, points.f2, lengths.values())
    multi = fit("mtl", few, both, lengths.values())
    sees = torch.cat([points.z, points.f1], 2)
    teacher = fit("teacher", sees[:, :LABELLED], both, [setting.short_steps])[setting.short_steps]
    pseudo = {"ts": _f2_of(teacher, sees), "blind": _f2_of(multi[setting.short_steps], points.z)}
    trained = {"st": single, "mtl": multi}
    for row, labels in pseudo.items():
        targets = labels
        if setting.student_labels == "true_and_pseudo":
            targets = torch.cat([points.f2, labels[:, LABELLED:]], 1)
        trained[row] = fit(row, points.z, targets, lengths.values())

    grid = as_tensor(GRID)[None, :, None].expand(len(seeds), -1, -1)
    # Of the module, so that it is plain that the truth is for measuring only: what a training sees is in ``points``.
    truth, hidden = functions.f2(GRID), functions.f2(points.z[:, LABELLED:, 0].double().numpy())
    found = {
        row: {name: _f2_of(networks[steps], grid)[..., 0].double().numpy() for name, steps in lengths.items()}
        for row, networks in trained.items()
    }
    return {
        "setting": asdict(setting),
        "seeds": list(seeds),
        "short_steps": setting.short_steps,
        "long_steps": setting.long_steps,
        "cpu_seconds": round(time.process_time() - started, 1),
        "errors": {
            row: {name: _mean_square(f2 - truth) for name, f2 in by_length.items()} for row, by_length in found.items()
        },
        "pseudo_errors": {
            row: _mean_square(labels[:, LABELLED:, 0].double().numpy() - hidden) for row, labels in pseudo.items()
        },
        "curves": {
            row: {name: f2[0, ::CURVE_STEP].round(5).tolist() for name, f2 in by_length.items()}
            for row, by_length in found.items()
        },
    }


def _fit(
    row: str,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    lengths: Sequence[int],
    setting: Setting,
    seeds: Sequence[int],
    progress: Callable[[int], object],
) -> dict[int, StackedNetworks]:
    networks = StackedNetworks(inputs.shape[2], targets.shape[2], setting.hidden_layers, setting.activation, seeds)
    try:
        return train(
            networks,
            inputs,
            targets,
            seeds,
            lengths,
            optimiser=setting.optimiser,
            rate=setting.rate,
            batch_size=setting.batch_size,
            progress=progress,
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"{setting.name}, {row}: {error}") from error


def _f2_of(networks: StackedNetworks, inputs: torch.Tensor) -> torch.Tensor:
    """(S, points, 1): f2 is the last of what a network predicts."""
    with torch.inference_mode():
        return networks(inputs)[..., -1:].clone()


def _mean_square(differences: np.ndarray) -> list[float]:
    """Of each seed."""
    return np.mean(differences**2, axis=1).tolist()
