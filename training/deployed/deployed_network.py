"""The network as the robot runs it: a camera frame in, depth, classes and confidence out."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from training.checkpoint import TrainedNetwork
from training.deployed.input_size import is_in_proportion
from training.deployed.resize import SeparableResize, shrink
from training.errors import ConfigurationError
from training.models.aggregation import FeatureAggregation
from training.models.blocks import nearest_to
from training.models.tasks import DEPTH, SEMANTIC

LABEL_STRIDE = 2
"""Default of ``DeployedNetwork``'s ``label_stride``: all but the last of the accuracy for a third of the time, see
docs/results/export_argmax.md."""


class DeployedNetwork(nn.Module):
    """Resize, network, upsampling, softmax and argmax in one graph of fixed size.

    Resizing is made of convolutions and products (``deployed.resize``): the same numbers on every inference library.

    Args:
        trained: the network.
        height, width: of the input image.
        label_stride: the class is decided at the working size divided by this (4: where the network
            predicts, 1: the working size), then enlarged to the image by the nearest pixel; 0 decides at
            the image's own size.

    Raises:
        ConfigurationError: it is no student of both tasks; or the image's shape is not that of the working size,
            so that it would be squashed.
    """

    def __init__(self, trained: TrainedNetwork, height: int, width: int, label_stride: int = LABEL_STRIDE) -> None:
        super().__init__()
        if reason := trained.why_not_deployable():
            raise ConfigurationError(f"this network cannot be deployed: {reason}")
        if not is_in_proportion((trained.height, trained.width), (height, width)):
            raise ConfigurationError(
                f"an input of {height}x{width} would be squashed to the network's {trained.height}x{trained.width}: "
                "choose a height and width in that proportion"
            )
        self.network = copy.deepcopy(trained.network)
        for module in self.network.modules():
            if isinstance(module, FeatureAggregation):
                module.fold_norm()
        self.size = (height, width)
        stride = 4
        predicted = (trained.height // stride, trained.width // stride)
        if label_stride:
            self.label_size = (trained.height // label_stride, trained.width // label_stride)
        else:
            self.label_size = self.size
        self.shrink = shrink(self.size, (trained.height, trained.width))
        self.enlarge_depth = SeparableResize(predicted, self.size)
        self.enlarge_scores = SeparableResize(predicted, self.label_size)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict a frame.

        Args:
            image: (1, H, W, 3) uint8 RGB.

        Returns:
            ``depth`` (1, H, W) float32 canonical metres; ``segmentation`` (1, H, W) uint8 ids 1..N;
            ``confidence`` (1, H, W) uint8, 255 times the softmax of the class given.
        """
        rgb = self.shrink(image.permute(0, 3, 1, 2).float()) / 255
        final = self.network(rgb)["final"]
        depth = self.enlarge_depth(final[DEPTH])[:, 0]
        scores = self.enlarge_scores(final[SEMANTIC])
        best = scores.amax(1, keepdim=True)
        segmentation = (scores.argmax(1) + 1).to(torch.uint8)
        # The softmax of the highest score, without the softmax of the others.
        confidence = (255 / (scores - best).exp().sum(1)).round().to(torch.uint8)
        return depth, nearest_to(segmentation, self.size), nearest_to(confidence, self.size)
