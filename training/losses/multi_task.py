"""The sum of the tasks' losses with deep supervision."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.datasets.derived.sources import EDGES, NORMALS, OFFSETS
from training.datasets.sample import IGNORE, SOFT_SEMANTIC
from training.losses.depth_l1 import depth_l1
from training.losses.edge_cross_entropy import edge_cross_entropy
from training.losses.normals_cosine import normals_cosine
from training.losses.offset_l1 import offset_l1
from training.losses.semantic_cross_entropy import semantic_cross_entropy, soft_cross_entropy
from training.models.blocks import nearest_to, resize_to
from training.models.mtinet import DenseOutput
from training.models.tasks import DEPTH, SEMANTIC

TASK_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    DEPTH: depth_l1,
    SEMANTIC: semantic_cross_entropy,
    NORMALS: normals_cosine,
    EDGES: edge_cross_entropy,
    OFFSETS: offset_l1,
}


class MultiTaskLoss(nn.Module):
    """L = L_D + alpha L_S (Erkent 2026), and any other task's with weight 1, each with MTI-Net's deep supervision.

    A task's loss is that of the final prediction, resized to the labels, plus those of the initial
    predictions at the four scales. The latter are taken at their own scale against the label's
    pixels of that scale, not resized to the label: half the time of a step for the same supervision.
    A task without a label in the batch counts zero, and so has a gradient of zero.

    Args:
        alpha: weight of the semantic loss.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.weights = {**dict.fromkeys(TASK_LOSSES, 1.0), SEMANTIC: alpha}

    def forward(self, output: DenseOutput, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The losses of a batch.

        Args:
            output: what the network returned.
            labels: the batch; any of the labels of ``training.datasets.sample.Sample``, stacked.

        Returns:
            Scalars: ``loss``, the weighted sum; and per task ``loss_NAME`` (all of it, unweighted) and
            ``final_NAME`` (the final prediction's part).
        """
        result: dict[str, Tensor] = {}
        total: Tensor | float = 0.0
        for name, final in output["final"].items():
            final_loss = self._final(name, final, labels)
            auxiliary = sum(self._own_scale(name, p, labels) for p in output["auxiliary"][name])
            result[f"final_{name}"] = final_loss.detach()
            result[f"loss_{name}"] = (final_loss + auxiliary).detach()
            total = total + self.weights[name] * (final_loss + auxiliary)
        return {"loss": torch.as_tensor(total), **result}

    def _final(self, name: str, prediction: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        hard = prediction.sum() * 0.0
        if name in labels:
            hard = TASK_LOSSES[name](resize_to(prediction, labels[name].shape[-2:]), labels[name])
        return self._with_soft(name, prediction, hard, labels)

    def _own_scale(self, name: str, prediction: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        hard = prediction.sum() * 0.0
        if name in labels:
            hard = TASK_LOSSES[name](prediction, shrunk(name, labels[name], prediction.shape[-2:]))
        return self._with_soft(name, prediction, hard, labels)

    @staticmethod
    def _with_soft(name: str, prediction: Tensor, hard: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        """The mean over pixels with a true class and pixels with a teacher's probabilities, by their numbers."""
        if name != SEMANTIC or SOFT_SEMANTIC not in labels:
            return hard
        soft = labels[SOFT_SEMANTIC]
        labelled = (labels[SEMANTIC] != IGNORE).float().mean() if SEMANTIC in labels else soft.new_zeros(())
        share = (soft.sum(1) > 0).float().mean()
        both = (labelled + share).clamp(min=1e-6)
        return (labelled * hard + share * soft_cross_entropy(prediction, soft)) / both


def shrunk(name: str, label: Tensor, size: tuple[int, int]) -> Tensor:
    """A task's label at a coarser scale: its nearest pixels; but a cell that an edge runs through holds an edge."""
    return F.adaptive_max_pool2d(label, size) if name == EDGES else nearest_to(label, size)
