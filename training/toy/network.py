"""Fully connected networks of many seeds, side by side in one tensor."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from training.toy.functions import as_tensor, stream

WIDTH = 128
"""Neurons of a hidden layer."""
ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}


class StackedNetworks(nn.Module):
    """S networks of one shape that know nothing of each other.

    A batched matrix product computes all of them at once; with a loss summed over the networks and an optimiser that
    works element by element, each is trained as if it were alone. First weights are PyTorch's usual ones of a linear
    layer: uniform within 1 / sqrt(inputs).

    Args:
        inputs: numbers that a network looks at.
        outputs: numbers that it predicts.
        hidden_layers: of ``WIDTH`` neurons each.
        activation: a name in ``ACTIVATIONS``.
        seeds: one for each network, of its first weights.
    """

    def __init__(self, inputs: int, outputs: int, hidden_layers: int, activation: str, seeds: Sequence[int]) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        streams = [stream(seed, "weights") for seed in seeds]
        widths = [inputs, *[WIDTH] * hidden_layers, outputs]
        for before, after in itertools.pairwise(widths):
            bound = 1 / math.sqrt(before)
            for parameters, shape in ((self.weights, (before, after)), (self.biases, (1, after))):
                first = np.stack([numbers.uniform(-bound, bound, shape) for numbers in streams])
                parameters.append(nn.Parameter(as_tensor(first)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(S, points, inputs) to (S, points, outputs), float32; network s sees ``x[s]`` only."""
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if layer < last:
                x = self.activation(x)
        return x
