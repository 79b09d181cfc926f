"""Run a teacher over frames and write what it says of each, on one process or several (Lightning)."""

from __future__ import annotations

import errno
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor
from torch.nn import functional as F

from mtl_perception.dataset_folder import DatasetFolder
from training.datasets.derived.edges import EDGE_CERTAIN
from training.datasets.derived.sources import EDGES, NORMALS, OFFSETS
from training.datasets.pseudo_folder import PseudoFolder
from training.errors import ConfigurationError
from training.frame_prediction import (
    FrameMaps,
    NamedFrames,
    mirrored,
    mirrored_map,
    predict_classes_averaged,
    predict_maps,
)
from training.models.tasks import DEPTH, SEMANTIC
from training.pseudo_labels.teachers import Teachers


def _mean_depth(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of two maps, and 1 - their relative difference."""
    mean = (one + other) / 2
    return mean, 1 - (one - other).abs() / mean


def _mean_normals(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """The direction between two, and the cosine of their angle."""
    return F.normalize(one + other, dim=1), (one * other).sum(1)


def _mean_offsets(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of two, and 1 - the distance of their ends in widths of the map."""
    return (one + other) / 2, 1 - (one - other).norm(dim=1) / one.shape[-1]


REGRESSIONS = {DEPTH: _mean_depth, NORMALS: _mean_normals, OFFSETS: _mean_offsets}
"""Task without a softmax to how a picture's map and its mirror image's become one, (B, ...), and how far they agree."""


class PseudoLabelWriter(LightningModule):
    """Predicts batches of ``NamedFrames`` and writes each frame's maps as soon as it has them.

    Classes are those of the frame at its working size; or, where the folder's description names scales, the mean
    over the frame at each of them and its mirror image. Of several teachers they are the mean, too.

    Depth, normals and offsets are the mean of the frame's and its mirror image's; how far the two differ is their
    confidence, as a regression has no softmax to threshold. Offsets are written at every pixel: what shows no object,
    nobody tells but how little the two agree there.

    Args:
        teachers: who labels; several label classes only.
        folder: the data set; maps have its frames' size, depth is in true metres of its camera.
        out: where to write.
        frames: what the batches are of; they know the way back from the canonical camera.
    """

    def __init__(self, teachers: Teachers, folder: DatasetFolder, out: PseudoFolder, frames: NamedFrames) -> None:
        super().__init__()
        # A module's own children move to the device with it.
        self.networks = torch.nn.ModuleList(trained.network for trained in teachers.networks)
        self.teachers, self.folder, self.out, self.frames = teachers.networks, folder, out, frames

    def _on_disk(self, task: str, values: Tensor) -> Tensor:
        """(B, ...) of the canonical camera as the folder's own camera's, channels last."""
        if task == DEPTH:
            return values / self.frames.depth_factor()
        last = values.permute(0, 2, 3, 1)
        return torch.from_numpy(self.frames.true_normals(last.cpu().numpy())) if task == NORMALS else last

    def predict_step(self, batch: tuple[list[str], dict[str, Tensor]], *_: Any) -> None:
        """Write the maps of a batch.

        Raises:
            ConfigurationError: the disk is full, or cannot be written to; what is there already is whole.
        """
        names, inputs = batch
        size = (self.folder.info.height, self.folder.info.width)
        tasks = self.out.info.tasks
        scales = self.out.info.scales
        averaged = bool(scales) or len(self.teachers) > 1
        written: dict[str, Tensor] = {}
        maps = predict_maps(self.teachers[0], inputs, size) if not averaged or tasks != (SEMANTIC,) else FrameMaps()
        # What says that a frame is done is written last.
        if regressions := [task for task in REGRESSIONS if task in tasks]:
            reflection = predict_maps(self.teachers[0], mirrored(inputs), size)
            for task in regressions:
                mean, agreement = REGRESSIONS[task](getattr(maps, task), mirrored_map(task, getattr(reflection, task)))
                written[f"{task}_confidence"] = (255 * agreement.clamp(0, 1)).round().byte()
                written[task] = self._on_disk(task, mean)
        if EDGES in tasks:
            written[EDGES] = (EDGE_CERTAIN * maps.edges).round().byte()
        if SEMANTIC in tasks:
            if averaged:
                maps = predict_classes_averaged(self.teachers, inputs, size, scales)
            if self.out.info.soft:
                written["soft_semantic"] = maps.probabilities.permute(0, 2, 3, 1)
            written["confidence"] = maps.confidence
            written[SEMANTIC] = maps.semantic
        for kind, tensor in written.items():
            for name, array in zip(names, tensor.cpu().numpy(), strict=True):
                try:
                    self.out.write(kind, name, array)
                except OSError as error:
                    what = "the disk is full" if error.errno == errno.ENOSPC else str(error.strerror)
                    raise ConfigurationError(
                        f"cannot write {self.out.path(kind, name)}: {what}; what is written is whole, "
                        "and the same command goes on from there"
                    ) from error
