"""MTI-Net: multi-scale task interaction (Vandenhende, Georgoulis and Van Gool, ECCV 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import torch
from torch import Tensor, nn

from training.errors import ConfigurationError
from training.models.aggregation import FeatureAggregation
from training.models.backbone import STRIDES, Backbone
from training.models.blocks import conv_norm, resize_to
from training.models.distillation import MultiModalDistillation
from training.models.feature_propagation import FeaturePropagation
from training.models.fusion import FeatureFusion
from training.models.initial_prediction import InitialPrediction
from training.models.tasks import DenseTask


class DenseOutput(TypedDict):
    """What a network returns for images (B, 3, H, W) and tasks with C channels each.

    Attributes:
        final: per task (B, C, H / 4, W / 4); depth in metres at the canonical focal length, scores
            of the classes 1..C for semantic.
        auxiliary: per task the initial predictions (B, C, H / s, W / s) for s = 4, 8, 16, 32, for
            deep supervision.
    """

    final: dict[str, Tensor]
    auxiliary: dict[str, list[Tensor]]


class MTINet(nn.Module):
    """The student: a shared backbone, task features at four scales that talk to each other, one head a task.

    From 1/32 to 1/4: initial predictions from the backbone's features and what the coarser scale
    passes on (feature propagation); then distillation between the tasks at each scale; then
    aggregation of the four scales.

    Args:
        backbone: gives the features at strides 4, 8, 16, 32; one of several modalities makes it a teacher.
        tasks: any number of dense tasks.
        head_widths: channels of the task features at those strides; the backbone's features are
            projected to them. None: the backbone's own channels, unprojected, as in the paper.

    Raises:
        ConfigurationError: no task, two of one name, or not four widths.
    """

    def __init__(
        self, backbone: Backbone | FeatureFusion, tasks: Sequence[DenseTask], head_widths: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        names = [task.name for task in tasks]
        if not names or len(set(names)) != len(names):
            raise ConfigurationError(f"tasks must be at least one, each with its own name: {names}")
        widths = list(head_widths or backbone.channels)
        if len(widths) != len(STRIDES):
            raise ConfigurationError(f"head_widths {widths}: one is needed for each stride {STRIDES}")
        self.tasks = tuple(tasks)
        self.backbone = backbone
        self.project = nn.ModuleList(
            conv_norm(channels, width, 1) if head_widths else nn.Identity()
            for channels, width in zip(backbone.channels, widths, strict=True)
        )
        coarser = [*widths[1:], 0]
        self.initial = nn.ModuleList(
            InitialPrediction(tasks, width + extra, width) for width, extra in zip(widths, coarser, strict=True)
        )
        self.propagate = nn.ModuleList(FeaturePropagation(names, width) for width in widths[1:])
        self.distil = nn.ModuleList(MultiModalDistillation(names, width) for width in widths)
        self.aggregate = nn.ModuleDict({task.name: FeatureAggregation(task, widths) for task in tasks})

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> DenseOutput:
        """Predict every task.

        Args:
            inputs: what the backbone takes: (B, 3, H, W) RGB in 0..1 for a student, one tensor a modality for
                feature fusion; H and W are multiples of 32.
        """
        shared = [project(x) for project, x in zip(self.project, self.backbone(inputs), strict=True)]
        names = [task.name for task in self.tasks]
        features: list[dict[str, Tensor]] = [{} for _ in STRIDES]
        auxiliary: dict[str, list[Tensor]] = {name: [] for name in names}
        for scale in reversed(range(len(STRIDES))):
            joined = {name: shared[scale] for name in names}
            if scale + 1 < len(STRIDES):
                size = shared[scale].shape[-2:]
                passed = self.propagate[scale](features[scale + 1])
                joined = {name: torch.cat([shared[scale], resize_to(passed[name], size)], 1) for name in names}
            features[scale], predictions = self.initial[scale](joined)
            for name in names:
                auxiliary[name].insert(0, predictions[name])
        distilled = [distil(f) for distil, f in zip(self.distil, features, strict=True)]
        final = {name: self.aggregate[name]([f[name] for f in distilled]) for name in names}
        return {"final": final, "auxiliary": auxiliary}
