"""Where a training can be gone on from: its state, written now and then and at its end."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

INTERVAL = 60.0
"""Seconds between checkpoints: little work is lost, and short epochs are not spent writing."""


class LastCheckpoint(Checkpoint):
    """Write ``last.ckpt`` after the first epoch, after one when the last is older than ``INTERVAL``, and at the end.

    The state of torch's random numbers is in it: a run that is gone on with draws the frames, and with
    ``workers: 0`` augments them, as it would have without the break.

    Args:
        directory: where to.
    """

    def __init__(self, directory: str) -> None:
        self.path = Path(directory) / "last.ckpt"
        self._written = -math.inf
        self._random: torch.Tensor | None = None

    def state_dict(self) -> dict[str, Any]:
        """What goes into the checkpoint."""
        return {"random": torch.get_rng_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it from a checkpoint."""
        self._random = state_dict["random"].cpu()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw from where the checkpoint was written."""
        if self._random is not None:
            torch.set_rng_state(self._random)
            # An epoch begins with a data loader's new iterator, which draws. This epoch's is there already, unless the
            # length is in steps: Lightning then first ends the last epoch once more, and makes another.
            if trainer.max_steps == -1:
                torch.empty((), dtype=torch.int64).random_()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, if it is time."""
        # All processes or none: a checkpoint waits for every one of them.
        if trainer.strategy.reduce_boolean_decision(time.monotonic() - self._written >= INTERVAL, all=False):
            self._write(trainer)

    def on_train_end(self, trainer: Trainer, *_: Any) -> None:
        """Write the finished network."""
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self.path)
        self._written = time.monotonic()
