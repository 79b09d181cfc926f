"""What can be said of a growth before anything is trained: which of its parts do not fit together."""

from __future__ import annotations

from argparse import ArgumentError
from pathlib import Path
from typing import Any

from mtl_perception.atomic_write import check_writable
from training.checkpoint import TrainedNetwork, load_checkpoint
from training.datasets.data_module import FolderData
from training.datasets.derived.sources import source_kind
from training.datasets.label_choice import ALL_LABELS
from training.datasets.source import Source, check_classes, common_classes
from training.deployed.input_size import is_in_proportion
from training.errors import ConfigurationError
from training.fit import FitCLI
from training.frame_prediction import NamedFrames
from training.grow.loop import GrowthSettings
from training.models.inheritance import inherit
from training.models.tasks import DEPTH, SEMANTIC
from training.module import PerceptionModule
from training.pseudo_labels.labelling import unlabelled_frames
from training.resumable_fit import GROUPS


class FitToBe(FitCLI):
    """The settings of a training to come, read as ``fit`` reads them; nothing is made of them.

    Args:
        role: ``teacher`` or ``student``, for the message.
        arguments: by group.

    Raises:
        ConfigurationError: ``fit`` knows no such argument, or it takes no such value.
    """

    def __init__(self, role: str, arguments: dict[str, Any]) -> None:
        try:
            super().__init__(
                PerceptionModule,
                FolderData,
                args=arguments,
                run=False,
                save_config_callback=None,
                seed_everything_default=False,
                parser_kwargs={"exit_on_error": False},
            )
        except ArgumentError as error:
            raise ConfigurationError(
                f"the recipe's {role}: {' '.join(str(error).split())}; "
                "`python -m training fit --help` tells what there is"
            ) from error

    def parse_arguments(self, parser: Any, args: Any) -> None:
        """Take them as they are: there is no subcommand, and no checkpoint to go on with."""
        self.config = parser.parse_object(args)

    def instantiate_classes(self) -> None:
        """Make nothing."""

    def network(self, classes: dict[int, str]) -> TrainedNetwork:
        """The network that the training begins with."""
        module = PerceptionModule(classes, **self.config.model.as_dict())
        settings = module.hparams
        return TrainedNetwork(
            network=module.network.eval(),
            backbone=settings["backbone"],
            pretrained=settings["pretrained"],
            inputs=module.inputs,
            tasks=tuple(settings["tasks"]),
            classes=classes,
            height=settings["height"],
            width=settings["width"],
            focal_length=settings["focal_length"],
            depth_range=(0.0, 1.0),  # Not known before the frames are read.
            training_data=(),
        )

    def check_data(self) -> None:
        """Make sure that there is what the training wants, leaving out pseudo-labels that are still to be written.

        Raises:
            ConfigurationError: see ``FolderData``.
        """
        unwritten = {"pseudo_labels": None, "soft": False, "tau": None, "keep": None}
        FolderData(**{**self.config.data.as_dict(), **unwritten})


def check_growth(settings: GrowthSettings) -> None:
    """Make sure, as far as can be told before the first of them, that no step will be refused.

    Raises:
        ConfigurationError: one would be; the message says why, and what to do.
        DatasetError: likewise, of a data set folder.
    """
    logged = Source.parse(settings.logged, ".")
    sources = [*(Source.parse(text, ".") for text in settings.labelled), logged]
    classes = common_classes(sources)
    if settings.teacher:
        teacher = load_checkpoint(settings.teacher)
        check_classes(next(s.folder for s in sources if s.folder.info.classes), teacher.classes)
    else:
        fit = _fit_to_be(settings, "teacher")
        fit.check_data()
        teacher = fit.network(classes)
    _check_logged(logged, teacher)
    for source in sources:
        NamedFrames(teacher, source, ALL_LABELS)  # Refuses depth of an unknown camera.
    fit = _fit_to_be(settings, "student")
    if DEPTH in {source_kind(m.label) for m in teacher.inputs if m.label}:
        # So each logged frame that gets a pseudo-label has a label already, and those that are trained on are known.
        fit.check_data()
    _check_student(fit.network(classes), teacher, settings.size)


def check_replaceable(path: Path) -> None:
    """Make sure that another file may take the place of the one at ``path``.

    Raises:
        ConfigurationError: its folder may not be written to.
    """
    try:
        check_writable(path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"--student {path}: no better network could take its place, as {path.parent} cannot be written to "
            f"({error.strerror}): make it writable, or give a copy elsewhere"
        ) from error


def _fit_to_be(settings: GrowthSettings, role: str) -> FitToBe:
    layers = settings.layers(role)
    return FitToBe(role, {g: {k: v for layer in layers for k, v in layer.get(g, {}).items()} for g in GROUPS})


def _check_logged(logged: Source, teacher: TrainedNetwork) -> None:
    try:
        unlabelled_frames(teacher, logged, ALL_LABELS, (SEMANTIC,))
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; LOGGED is to be recordings with depth and without classes") from error


def _check_student(student: TrainedNetwork, teacher: TrainedNetwork, size: tuple[int, int]) -> None:
    if reason := student.why_not_deployable():
        raise ConfigurationError(f"the recipe's student cannot be deployed: {reason}")
    if not is_in_proportion((student.height, student.width), size):
        raise ConfigurationError(
            f"the network that runs takes {size[0]}x{size[1]} (height x width), which would be squashed to the "
            f"{student.height}x{student.width} of the recipe's student: give its data.height and data.width in that "
            "proportion"
        )
    try:
        inherit(student.network, teacher.network)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; the student's are in the recipe") from error
