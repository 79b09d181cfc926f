"""A training as a step of something longer: begun once, gone on with after an interruption, not done twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training import fit

GROUPS = ("data", "model", "trainer")
"""Groups of ``fit``'s arguments."""


def fit_resumably(
    name: str, *layers: Mapping[str, Mapping[str, Any]], seed: int | None = None, accelerator: str = "auto"
) -> Path:
    """Train in ``runs/NAME`` from its last checkpoint, if there is one; at once done where that is the end.

    Args:
        name: of the run.
        layers: arguments of ``fit`` by group, e.g. ``{"data": {"batch_size": 4}}``; a later layer's win.
        seed: of weights and the order of frames; None is ``fit``'s own.
        accelerator: Lightning's.

    Returns:
        The last checkpoint.
    """
    last = Path("runs") / name / "last.ckpt"
    arguments: dict[str, Any] = {"name": name}
    if seed is not None:
        arguments["seed_everything"] = seed
    for group in GROUPS:
        for layer in layers:
            arguments |= {f"{group}.{key}": value for key, value in layer.get(group, {}).items()}
    # On all GPUs there are, each would get a batch of that size, and this whole command of its own.
    arguments |= {"trainer.accelerator": accelerator, "trainer.devices": 1}
    if last.exists():
        arguments["ckpt_path"] = str(last)
    fit.main([f"--{key}={v if isinstance(v, str) else json.dumps(v)}" for key, v in arguments.items()])
    return last
