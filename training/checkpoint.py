"""What a training run left behind: the network and what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mtl_perception.model_card import TrainingData
from training.errors import ConfigurationError
from training.models.fusion import build_backbone
from training.models.modalities import RGB, Modality, modalities
from training.models.mtinet import MTINet
from training.models.tasks import DEPTH, SEMANTIC, dense_tasks


@dataclass(frozen=True)
class TrainedNetwork:
    """A network in evaluation mode, and what its checkpoint says of it.

    Attributes:
        network: the weights, loaded.
        backbone: name of the backbone.
        pretrained: what the backbone started from.
        inputs: the modalities it looks at; ``rgb`` alone is a student.
        tasks: what it predicts.
        classes: class id 1..N to name.
        height, width: working size.
        focal_length: canonical focal length, pixels of the working width.
        depth_range: least and greatest depth trained on, canonical metres; None when trained without.
        training_data: the data sets trained on.
        budgets: digest of the label budget by data set, of those trained on with one; None: written before
            checkpoints told.
    """

    network: MTINet
    backbone: str
    pretrained: str
    inputs: tuple[Modality, ...]
    tasks: tuple[str, ...]
    classes: dict[int, str]
    height: int
    width: int
    focal_length: float
    depth_range: tuple[float, float] | None
    training_data: tuple[TrainingData, ...]
    budgets: Mapping[str, str] | None = None

    def why_not_deployable(self) -> str | None:
        """What keeps it from running on a robot, which has a picture only and wants both maps; None if nothing does.

        Maps of further tasks are left behind: their heads stay out of the exported file.
        """
        names = [m.name for m in self.inputs]
        if names != [RGB]:
            return f"it looks at {' and '.join(names)}, a robot has rgb only: train a student of it"
        if not {DEPTH, SEMANTIC} <= {*self.tasks}:
            return f"it predicts {' and '.join(self.tasks)} only, a robot's network {DEPTH} and {SEMANTIC}"
        if self.depth_range is None:
            return "it was trained without any depth: its depth means nothing"
        return None


def load_checkpoint(path: Path) -> TrainedNetwork:
    """Read a checkpoint of ``python -m training fit``.

    Raises:
        ConfigurationError: it is missing, damaged or no such checkpoint.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path}: no such checkpoint; a run leaves runs/NAME/last.ckpt")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        settings, data = content["hyper_parameters"], content["FolderData"]
        inputs = modalities(settings["inputs"], len(settings["classes"]))
        tasks = dense_tasks(settings["tasks"], len(settings["classes"]))
        network = MTINet(build_backbone(settings["backbone"], "none", inputs), tasks, settings["head_widths"])
        prefix = "network."
        network.load_state_dict(
            {k.removeprefix(prefix): v for k, v in content["state_dict"].items() if k.startswith(prefix)}
        )
    except Exception as error:  # torch, zip and pickle each raise their own kinds for a damaged file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigurationError(f"{path} is no checkpoint of this training, or is damaged: {reason}") from error
    return TrainedNetwork(
        network=network.eval(),
        backbone=settings["backbone"],
        pretrained=settings["pretrained"],
        inputs=inputs,
        tasks=tuple(settings["tasks"]),
        classes=settings["classes"],
        height=settings["height"],
        width=settings["width"],
        focal_length=settings["focal_length"],
        depth_range=tuple(data["depth_range"]) if data["depth_range"] else None,
        training_data=tuple(TrainingData(**entry) for entry in data["training_data"]),
        budgets=data.get("budgets"),
    )
