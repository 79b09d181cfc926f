"""The data of a training run, for Lightning."""

from __future__ import annotations

import os
from typing import Any

from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader

from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.folder import FolderDataset
from training.datasets.sample import collate
from training.datasets.source import Source, common_classes


class FolderData(LightningDataModule):
    """Frames of any number of data set folders, one size and one focal length.

    Args:
        train: what to train on: FOLDER:SPLIT, or FOLDER for all its frames.
        root: folder that holds the data set folders; default: the environment's MTL_PERCEPTION_DATA, else here.
        hold_out: frames of the first training source to keep out of training and measure on, for choosing
            settings without looking at a validation split; 0 trains on all.
        height: working height of the network, a multiple of 32.
        width: working width of the network, a multiple of 32.
        focal_length: canonical focal length, in pixels of the working width; 210 at 256 is a Kinect's 525 at 640.
        batch_size: frames a step.
        workers: processes that prepare frames.
    """

    def __init__(
        self,
        train: list[str],
        root: str | None = None,
        hold_out: int = 0,
        height: int = 192,
        width: int = 256,
        focal_length: float = 210.0,
        batch_size: int = 8,
        workers: int = 1,
    ) -> None:
        super().__init__()
        root = root or os.environ.get("MTL_PERCEPTION_DATA", ".")
        self.train_sources = [Source.parse(text, root) for text in train]
        self.validation_source: Source | None = None
        if hold_out:
            self.train_sources[0], self.validation_source = self.train_sources[0].hold_out(hold_out)
        self.camera = CanonicalCamera(height, width, focal_length)
        self.classes = common_classes(self.train_sources)
        self.batch_size = batch_size
        self.workers = workers
        self._train: list[FolderDataset] = []
        self._validation: FolderDataset | None = None

    def setup(self, stage: str) -> None:
        """Read the frames."""
        self._train = [FolderDataset(s.folder, s.names, self.camera, augment=True) for s in self.train_sources]
        if self.validation_source:
            held = self.validation_source
            self._validation = FolderDataset(held.folder, held.names, self.camera, augment=False)

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Shuffled, augmented batches; a last incomplete one is left out, for batch norm's sake."""
        return DataLoader(
            ConcatDataset(self._train),
            batch_size=self.batch_size,
            shuffle=True,
            drop_last=True,
            collate_fn=collate,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]] | list[Any]:
        """The frames held out, or nothing."""
        if self._validation is None:
            return []
        return DataLoader(self._validation, batch_size=self.batch_size, collate_fn=collate)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint says of the data: sources, frames, licences, and the depth range in canonical metres."""
        ranges = [r for r in (d.canonical_depth_range() for d in self._train) if r]
        return {
            "training_data": [
                {"name": s.folder.root.name, "frames": len(s.names), "licence": s.folder.info.licence}
                for s in self.train_sources
            ],
            "depth_range": [min(r[0] for r in ranges), max(r[1] for r in ranges)] if ranges else None,
        }
