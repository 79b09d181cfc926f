"""Run a teacher over frames and write what it says of each, on one process or several (Lightning)."""

from __future__ import annotations

import errno
from typing import Any

from lightning import LightningModule
from torch import Tensor

from mtl_perception.dataset_folder import DatasetFolder
from training.checkpoint import TrainedNetwork
from training.datasets.pseudo_folder import PseudoFolder
from training.errors import ConfigurationError
from training.frame_prediction import mirrored, predict_classes_averaged, predict_maps
from training.models.tasks import DEPTH, SEMANTIC


class PseudoLabelWriter(LightningModule):
    """Predicts batches of ``NamedFrames`` and writes each frame's maps as soon as it has them.

    Classes are those of the frame at its working size; or, where the folder's description names scales, the mean
    over the frame at each of them and its mirror image.

    Depth is the mean of the frame's and its mirror image's; how far the two differ is its confidence, as a
    regression has no softmax to threshold.

    Args:
        trained: the teacher.
        folder: the data set; maps have its frames' size, depth is in true metres of its camera.
        out: where to write.
        depth_factor: true to canonical metres, see ``NamedFrames.depth_factor``.
    """

    def __init__(self, trained: TrainedNetwork, folder: DatasetFolder, out: PseudoFolder, depth_factor: float) -> None:
        super().__init__()
        self.network = trained.network  # A module's own child moves to the device with it.
        self.trained, self.folder, self.out, self.depth_factor = trained, folder, out, depth_factor

    def predict_step(self, batch: tuple[list[str], dict[str, Tensor]], *_: Any) -> None:
        """Write the maps of a batch.

        Raises:
            ConfigurationError: the disk is full, or cannot be written to; what is there already is whole.
        """
        names, inputs = batch
        size = (self.folder.info.height, self.folder.info.width)
        tasks = self.out.info.tasks
        maps = predict_maps(self.trained, inputs, size)
        written: dict[str, Tensor] = {}
        # What says that a frame is done is written last.
        if DEPTH in tasks:
            other = predict_maps(self.trained, mirrored(inputs), size).depth.flip(-1)
            mean = (maps.depth + other) / 2
            agreement = 1 - ((maps.depth - other).abs() / mean).clamp(max=1)
            written["depth_confidence"] = (255 * agreement).round().byte()
            written[DEPTH] = mean / self.depth_factor
        if SEMANTIC in tasks:
            if scales := self.out.info.scales:
                maps = predict_classes_averaged(self.trained, inputs, size, scales)
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
