"""Train the networks of many seeds at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch

from training.errors import ConfigurationError
from training.toy.functions import stream
from training.toy.network import StackedNetworks

OPTIMISERS = {
    "adam": lambda parameters, rate: torch.optim.Adam(parameters, rate, fused=True),
    "sgd": lambda parameters, rate: torch.optim.SGD(parameters, rate, momentum=0.9, fused=True),
}


def train(
    networks: StackedNetworks,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    seeds: Sequence[int],
    lengths: Collection[int],
    *,
    optimiser: str,
    rate: float,
    batch_size: int,
    progress: Callable[[int], object] = lambda steps: None,
) -> dict[int, StackedNetworks]:
    """Train to the longest of ``lengths`` at a constant rate; the networks as they were after each of them.

    The loss is the mean squared error over the batch, summed over the outputs. Every seed goes through its points in an
    order of its own, a new one every epoch.

    Args:
        networks: S of them, trained in place.
        inputs: (S, points, inputs) float32.
        targets: (S, points, outputs) float32.
        seeds: S of them, of the order of the points.
        lengths: numbers of steps.
        optimiser: a name in ``OPTIMISERS``.
        rate: learning rate.
        batch_size: points a step; an epoch's last batch may have fewer.
        progress: told of every step how many networks took it.

    Raises:
        ConfigurationError: a loss is no longer finite; the message says at which step, and whose.
    """
    update = OPTIMISERS[optimiser](networks.parameters(), rate)
    streams = [stream(seed, "order") for seed in seeds]
    points = inputs.shape[1]
    every = torch.arange(len(seeds))[:, None]
    snapshots = {}
    start = points
    for step in range(1, max(lengths) + 1):
        if start >= points:
            order = torch.from_numpy(np.stack([numbers.permutation(points) for numbers in streams]))
            shuffled_inputs, shuffled_targets = inputs[every, order], targets[every, order]
            start = 0
        batch = slice(start, start + batch_size)
        losses = (networks(shuffled_inputs[:, batch]) - shuffled_targets[:, batch]).square().mean(1).sum(1)
        if not losses.isfinite().all():
            lost = ", ".join(str(seed) for seed, loss in zip(seeds, losses, strict=True) if not loss.isfinite())
            raise ConfigurationError(f"the loss is not finite at step {step} (seeds {lost}): lower the rate")
        update.zero_grad()
        losses.sum().backward()
        update.step()
        start += batch_size
        progress(len(seeds))
        if step in lengths:
            snapshots[step] = copy.deepcopy(networks)
    return snapshots
