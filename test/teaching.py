"""A teacher of three steps, and its labels."""

from __future__ import annotations

import pytest

from training import fit
from training.__main__ import main


def train(home, folder, name: str, *more: str) -> None:
    """A run of three steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        fit.main(
            [
                *("--data.train", f"[{folder.root}:train]", "--data.height", "64", "--data.width", "64"),
                *("--data.focal_length", "50", "--data.batch_size", "2", "--data.workers", "0", "--name", name),
                *("--model.backbone", "mobilenetv4_conv_small", "--model.head_widths", "[8, 8, 8, 8]"),
                *("--trainer.accelerator", "cpu", "--trainer.max_steps", "3", "--trainer.max_epochs", "-1", *more),
            ]
        )


def label(home, data, *more: str) -> int:
    teacher = home / "runs" / "teacher" / "last.ckpt"
    return main(["pseudo-label", str(teacher), f"{data.root}:train", "--budget", str(home / "budget.json"), *more])
