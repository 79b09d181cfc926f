"""A training short and small enough for unit tests."""

from __future__ import annotations

# Before any test runs: Lightning's log keeps to the stderr it is first imported under, and that of a test is closed.
import lightning  # noqa: F401

from mtl_perception.dataset_folder import DatasetFolder
from training.__main__ import main


def fit(folder: DatasetFolder, *more: str) -> int:
    """Run ``fit`` on the frames to train on, in ``runs/tiny`` unless ``more`` says otherwise; the exit status."""
    arguments = [
        *("fit", "--data.train", f"[{folder.root}:train]", "--data.height", "64", "--data.width", "64"),
        *("--data.focal_length", "50", "--data.batch_size", "4", "--data.workers", "0"),
        *("--model.backbone", "mobilenetv4_conv_small", "--model.head_widths", "[8, 8, 8, 8]"),
        *("--trainer.accelerator", "cpu", "--trainer.log_every_n_steps", "1", "--name", "tiny", *more),
    ]
    return main(arguments)
