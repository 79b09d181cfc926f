"""Where a training can be gone on from: its state, written now and then and at its end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

INTERVAL = 60.0
"""Seconds between checkpoints: little work is lost, and short epochs are not spent writing."""


class LastCheckpoint(Checkpoint):
    """Write ``last.ckpt`` at the end of an epoch, when the one before is older than ``INTERVAL``, and at the end.

    Args:
        directory: where to.
    """

    def __init__(self, directory: str) -> None:
        self.path = Path(directory) / "last.ckpt"
        self._written = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count from here."""
        self._written = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, if it is time."""
        if time.monotonic() - self._written >= INTERVAL:
            self._write(trainer)

    def on_train_end(self, trainer: Trainer, *_: Any) -> None:
        """Write the finished network."""
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self.path)
        self._written = time.monotonic()
