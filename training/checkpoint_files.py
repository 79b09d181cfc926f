"""Checkpoint files that are there whole or not at all, and a folder of them that one process at a time writes to."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from mtl_perception.atomic_write import write_atomically
from training.errors import ConfigurationError


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's way to write a checkpoint, which by itself copies it from the system's folder of temporary files.

    There a full disk, or a kill, would leave part of the new one where the last good one was.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write it to ``path``; what was there stays until all of it is written."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_atomically(Path(path), buffer.getbuffer())


class BestCheckpoint(ModelCheckpoint):
    """``best.ckpt``: the network that did best on the frames held out (``val/score``).

    Args:
        directory: where to.
    """

    def __init__(self, directory: str) -> None:
        super().__init__(directory, filename="best", monitor="val/score", mode="max", enable_version_counter=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it from a checkpoint, also where the folder has moved since: else any would be better than none.

        Where there is no ``best.ckpt``, as under a new name, the next is the best.
        """
        here = Path(str(self.dirpath))
        if not (here / "best.ckpt").exists():
            return

        def moved(path: str) -> str:
            return str(here / Path(path).name) if path else path

        paths = {key: moved(state_dict[key]) for key in ("best_model_path", "kth_best_model_path", "last_model_path")}
        scores = {moved(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **paths, "best_k_models": scores, "dirpath": self.dirpath})


@contextmanager
def only_one_trains_in(folder: Path) -> Iterator[None]:
    """Keep other processes out of ``folder``, which is made if need be; where the file system has no locks, do not.

    Raises:
        ConfigurationError: another is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                raise ConfigurationError(
                    f"another process trains in {folder}: wait until it has ended, or train under another name"
                ) from error
        yield
    finally:
        os.close(held)
