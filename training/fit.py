"""``python -m training fit``: train the network on data set folders."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ProgressBar, TQDMProgressBar
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.plugins.io import CheckpointIO
from lightning.pytorch.utilities import rank_zero_only

from training.checkpoint import load_checkpoint
from training.checkpoint_files import BestCheckpoint, WholeCheckpoints, only_one_trains_in
from training.datasets.data_module import FolderData
from training.errors import ConfigurationError
from training.last_checkpoint import LastCheckpoint
from training.models.modalities import modalities
from training.module import PerceptionModule, steps_of

FEW_STEPS = 1000
"""Networks of 2400 steps still gain classes by more of them, with 50 frames too (docs/results/house.md)."""


class SaveConfigOfRun(SaveConfigCallback):
    """Write ``config.yaml`` when the training begins: by then a checkpoint of another run has been refused."""

    def setup(self, *_: Any, **__: Any) -> None:
        """Not yet."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Now."""
        super().setup(trainer, pl_module, "fit")


class TellsFewSteps(Callback):
    """Say it where epochs of few frames come to little training."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Once the frames are counted."""
        steps = steps_of(trainer)
        if trainer.max_steps == -1 and steps < FEW_STEPS:
            rank_zero_only(print)(
                f"{trainer.max_epochs} epochs are {steps} steps here, which is little (docs/results/house.md): "
                "`--trainer.max_steps 4800 --trainer.max_epochs -1` trains for longer"
            )


class FitCLI(LightningCLI):
    """Takes what the network must know of the data from the data."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Only ``fit``, and how it reads a checkpoint is not for the caller to choose."""
        return {"fit": LightningCLI.subcommands()["fit"] | {"weights_only"}}

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse, and look whether what is to be gone on with is a checkpoint.

        Raises:
            ConfigurationError: ``ckpt_path`` is missing, damaged or no checkpoint of this training.
        """
        super().parse_arguments(parser, args)
        if (checkpoint := self.config[self.config["subcommand"]].get("ckpt_path")) is not None:
            load_checkpoint(Path(checkpoint))

    def _parse_ckpt_path(self) -> None:
        """Leave the settings as they were given: Lightning's would put the checkpoint's in their place without a word.

        A checkpoint of another network is refused when it is read (``PerceptionModule.on_load_checkpoint``).
        """

    def fit(self, **arguments: Any) -> None:
        """Train. A checkpoint may come from anywhere: nothing is unpickled.

        Raises:
            ConfigurationError: there is a training already that is not the one to go on with; or it is under way.
        """
        folder = Path("runs") / self.config[self.subcommand]["name"]
        with ExitStack() as alone:
            if rank_zero_only.rank == 0:
                alone.enter_context(only_one_trains_in(folder))
                _check_nothing_is_lost(folder, self.config[self.subcommand]["ckpt_path"])
                if any(isinstance(logger, CSVLogger) for logger in self.trainer.loggers):
                    _keep_log(folder / "metrics.csv")
            self.trainer.fit(**arguments, weights_only=True)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Link the module's arguments to the data module's, and add ``--name``."""
        parser.add_argument(
            "--name",
            default="student",
            help="of the run: everything goes to runs/NAME; what has run there is gone on with by --ckpt_path only",
        )
        parser.link_arguments("data.height", "model.height")
        parser.link_arguments("data.width", "model.width")
        parser.link_arguments("data.focal_length", "model.focal_length")
        parser.link_arguments(("model.tasks", "model.inputs"), "data.labels", compute_fn=labels_of)
        parser.link_arguments("model.tasks", "data.learnt")
        parser.link_arguments("data.classes", "model.classes", apply_on="instantiate")

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """A trainer that keeps its checkpoints and its log in ``runs/NAME``, beside what callbacks are asked for.

        Those come first, so that the checkpoints hold what they make of the weights. A logger that is asked for, or
        none, takes the place of ours.
        """
        settings, name = self.config_init[self.subcommand]["trainer"], self.config[self.subcommand]["name"]
        directory = str(Path("runs") / name)
        callbacks: list[Callback] = [TellsFewSteps()]
        if settings["default_root_dir"] is None:
            kwargs["default_root_dir"] = directory
        if settings["logger"] is None or settings["logger"] is True:
            kwargs["logger"] = [CSVLogger("runs", name, version=""), TensorBoardLogger("runs", name, version="")]
        if kwargs.get("logger", settings["logger"]):
            callbacks.append(LearningRateMonitor("step"))
        if settings["enable_progress_bar"] is not False and not _has_progress_bar(settings["callbacks"]):
            callbacks.append(TQDMProgressBar(refresh_rate=5))
        if self.datamodule.validation_source is not None:
            callbacks.append(BestCheckpoint(directory))
        # Behind the best one, whose score it holds: a run that is gone on with knows what there is to beat.
        callbacks.append(LastCheckpoint(directory))
        asked_for = settings["plugins"] or []
        plugins = asked_for if isinstance(asked_for, list) else [asked_for]
        own = [] if any(isinstance(plugin, CheckpointIO) for plugin in plugins) else [WholeCheckpoints()]
        kwargs["plugins"] = [*plugins, *own]
        # Lightning adds these to those of the command; an argument of this name would replace them.
        self.trainer_defaults = {**self.trainer_defaults, "callbacks": callbacks}
        return super().instantiate_trainer(**kwargs)


def _has_progress_bar(callbacks: Callback | list[Callback] | None) -> bool:
    """Whether there is one already: Lightning takes no second."""
    return any(isinstance(c, ProgressBar) for c in (callbacks if isinstance(callbacks, list) else [callbacks]))


def labels_of(tasks: Sequence[str], inputs: Sequence[str]) -> list[str]:
    """The labels that a network of these tasks and inputs needs.

    Raises:
        ConfigurationError: an input is unknown.
    """
    return [*dict.fromkeys([*tasks, *(m.label for m in modalities(inputs, 1) if m.label)])]


def _check_nothing_is_lost(directory: Path, checkpoint: str | None) -> None:
    """Make sure that the training there is in this folder, if any, is gone on with: by a checkpoint of it.

    Raises:
        ConfigurationError: another would take its place.
    """
    kept = [path for path in (directory / "last.ckpt", directory / "best.ckpt") if path.exists()]
    if kept and (checkpoint is None or Path(checkpoint).resolve().parent != directory.resolve()):
        raise ConfigurationError(
            f"{kept[0]} is of an earlier training, which this one would overwrite: to go on with that one give the "
            f"same command --ckpt_path {kept[0]}, to train anew another --name"
        )


def _keep_log(path: Path) -> None:
    """Move the log of what ran in this folder before, which the logger would delete, to a name of its own."""
    if path.exists():
        names = (path.with_name(f"metrics-{number}.csv") for number in itertools.count(1))
        path.rename(next(name for name in names if not name.exists()))


def main(argv: list[str]) -> None:
    """Train; ``argv`` follows the word ``fit``."""
    with warnings.catch_warnings():
        # Lightning looks at sys.argv, which begins with the word ``fit`` of ours, and worries.
        warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
        # Training on all frames, holding none out, is what most do here; short epochs and resumed runs too.
        warnings.filterwarnings("ignore", message="Total length of `list` across ranks is zero")
        warnings.filterwarnings("ignore", message="The number of training batches .* is smaller than the logging")
        warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
        # Its earlier log has another name by then.
        warnings.filterwarnings("ignore", message="Experiment logs directory .* exists and is not empty")
        FitCLI(
            PerceptionModule,
            FolderData,
            args=["fit", *argv],
            seed_everything_default=0,
            save_config_callback=SaveConfigOfRun,
            save_config_kwargs={"overwrite": True},
            parser_kwargs={"prog": "python -m training"},
            trainer_defaults={
                "max_epochs": 25,
                "accelerator": "auto",
                # Of more, the held-out frames would be measured in parts, and one part be taken for all.
                "devices": 1,
                "gradient_clip_val": 5.0,
                "log_every_n_steps": 10,
            },
        )
