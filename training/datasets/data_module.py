"""The data of a training run, for Lightning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, RandomSampler, Sampler, WeightedRandomSampler

from mtl_perception.model_card import TrainingData
from training.data_root import data_root
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.choosing_labels import choose_labels
from training.datasets.derived.sources import DERIVED_FROM
from training.datasets.folder import FolderDataset
from training.datasets.label_choice import LabelChoice
from training.datasets.mixing import CutMix
from training.datasets.pseudo_folder import PseudoInfo
from training.datasets.sample import collate
from training.datasets.source import Source, common_classes
from training.errors import ConfigurationError
from training.trained_on import budgets_of_all, data_of_all

LABELS = ("depth", "semantic")
"""Labels that a frame is read with at any rate."""
BATCH_SIZE = 8
"""Frames a step, unless said otherwise."""


class FolderData(LightningDataModule):
    """Frames of any number of data set folders, one size and one focal length.

    Args:
        train: what to train on: FOLDER:SPLIT, or FOLDER for all its frames.
        root: folder that holds the data set folders; default: the environment's MTL_PERCEPTION_DATA, else here.
        budget: file of a label budget (``python -m training budget``): of its data set only those labels are seen.
        labels: what is learnt or looked at; the command line takes it from the model's tasks and inputs.
        learnt: those of ``labels`` that are learnt: a frame with one of them is trained on; None: all. From the command
            line it is the model's tasks.
        require: labels a frame must have to be trained on, e.g. [semantic]; null takes every frame with any label.
        pseudo_labels: folder of pseudo-labels (``python -m training pseudo-label`` or ``reproject-labels``) for the
            frames of its data set that have no true label.
        soft: learn a teacher's probabilities instead of its confident classes; ``pseudo_labels`` must hold them.
        tau: threshold of ``pseudo_labels`` to take instead of their own.
        keep: of each class the share of a teacher's pixels to learn, the surest first, instead of those above the
            threshold of ``pseudo_labels``; 1 is every pixel.
        balanced: draw frames with all true labels as often as the others together; False draws every frame alike.
        strong: augment more: stronger colours, blur, grey and erased patches.
        mix: share of the frames that get a rectangle of another frame of their batch laid over, labels with it.
        hold_out: frames of the first training source to keep out of training, wherever else they are listed, and to
            measure on, for choosing settings without looking at a validation split, of a recording the last in a row; 0
            trains on all.
        height: working height of the network, a multiple of 32; frames of another proportion are padded.
        width: working width of the network, a multiple of 32.
        focal_length: canonical focal length, in pixels of the working width; 210 at 256 is a Kinect's 525 at 640.
        batch_size: frames a step.
        workers: processes that prepare frames; with 0 a training that is gone on with ends in the same numbers as one
            without a break.

    Raises:
        ConfigurationError: a budget or pseudo-labels are of other data, two folders have one name, an unknown label is
            required, what is held out lacks a label, or the frames that can be trained on are none, or fewer than a
            batch.
    """

    def __init__(
        self,
        train: list[str],
        root: str | None = None,
        budget: str | None = None,
        labels: list[str] | None = None,
        learnt: list[str] | None = None,
        require: list[str] | None = None,
        pseudo_labels: str | None = None,
        soft: bool = False,
        tau: float | None = None,
        keep: float | None = None,
        balanced: bool = False,
        strong: bool = False,
        mix: float = 0.0,
        hold_out: int = 0,
        height: int = 192,
        width: int = 256,
        focal_length: float = 210.0,
        batch_size: int = BATCH_SIZE,
        workers: int = 1,
    ) -> None:
        super().__init__()
        root = data_root(root)
        self.train_sources = [Source.parse(text, root) for text in train]
        _check_names(self.train_sources)
        self.validation_source: Source | None = None
        self.labels = tuple(labels or LABELS)
        self.learnt = tuple(learnt or self.labels)
        self._within = f" within the budget {budget}" if budget else ""
        known = tuple(dict.fromkeys((*LABELS, *DERIVED_FROM)))
        if unknown := {*self.labels} - {*known}:
            raise ConfigurationError(f"unknown task {min(unknown)!r}; known: {', '.join(known)}")
        if unknown := {*(require or [])} - {*known}:
            raise ConfigurationError(f"cannot require {min(unknown)!r} of a frame; labels are: {', '.join(known)}")
        self.classes = common_classes(self.train_sources)
        derived = tuple(label for label in self.labels if label in DERIVED_FROM)
        self.choices = choose_labels(
            self.train_sources, len(self.classes), derived, budget, pseudo_labels, soft=soft, tau=tau, keep=keep
        )
        self.train_sources = [
            Source(s.folder, self._trainable(s, c, require or []))
            for s, c in zip(self.train_sources, self.choices, strict=True)
        ]
        if hold_out:
            self.validation_source = self.train_sources[0].hold_out(hold_out)
            self.train_sources = [source.without(self.validation_source) for source in self.train_sources]
            self._check_held_out(self.validation_source)
        if batch_size < 1:
            raise ConfigurationError(f"batch_size {batch_size}: a step takes one frame or more")
        frames = sum(len(s.names) for s in self.train_sources)
        if frames < batch_size:
            raise ConfigurationError(
                f"{frames} frames to train on do not fill a batch of {batch_size}: choose a smaller batch_size, "
                "or more frames"
            )
        if not 0 <= mix <= 1 or (mix and batch_size < 2):
            raise ConfigurationError(f"mix {mix}: a share, 0 to 1, of the frames of a batch of two or more")
        self.balanced, self.strong, self.mix = balanced, strong, mix
        self._drawn_by = {"batch_size": batch_size, "hold_out": hold_out, "balanced": balanced, "strong": strong}
        self._drawn_by |= {"mix": mix, "soft": soft, "tau": tau, "keep": keep}
        self.camera = CanonicalCamera(height, width, focal_length)
        self.batch_size = batch_size
        self.workers = workers
        self._train: list[FolderDataset] = []
        self._validation: FolderDataset | None = None

    def setup(self, stage: str) -> None:
        """Read the frames."""
        self._train = [
            FolderDataset(s.folder, s.names, self.camera, augment=True, choice=c, strong=self.strong)
            for s, c in zip(self.train_sources, self.choices, strict=True)
        ]
        if self.validation_source:
            held = self.validation_source
            # A pseudo-label is nothing to measure against.
            seen = LabelChoice(self.choices[0].budget, derived=self.choices[0].derived)
            self._validation = FolderDataset(held.folder, held.names, self.camera, augment=False, choice=seen)

    def _check_held_out(self, held: Source) -> None:
        """Without a label of each kind nothing would say which checkpoint is the best."""
        seen = LabelChoice(self.choices[0].budget)
        for kind in self.labels:
            if not any(seen.has(held.folder, kind, name) for name in held.names):
                raise ConfigurationError(
                    f"none of the {len(held.names)} frames of {held.folder.name} held out has {kind}: hold out more, "
                    "or name a data set that has all labels first"
                )

    def _trainable(self, source: Source, choice: LabelChoice, require: list[str]) -> list[str]:
        """The frames with a label to learn from, and with all that are required."""

        def usable(name: str) -> bool:
            if require:
                return all(choice.has(source.folder, kind, name) for kind in require)
            return any(choice.offers(source.folder, kind, name) for kind in self.learnt)

        names = [name for name in source.names if usable(name)]
        if not names:
            wanted = " and ".join(require) or " or ".join(self.learnt)
            raise ConfigurationError(f"no frame of {source.folder.name} to train on has {wanted}{self._within}")
        return names

    def check_overlap(self, looked_at: Sequence[str], predicted: Sequence[str]) -> None:
        """Make sure that each label that is looked at is there where another is learnt.

        Raises:
            ConfigurationError: it never is, so that the network could as well do without.
        """
        for given in looked_at:
            others = [task for task in predicted if task != given]
            seen = (
                (source.folder, choice, name)
                for source, choice in zip(self.train_sources, self.choices, strict=True)
                for name in source.names
                if choice.has(source.folder, given, name)
            )
            if others and not any(
                choice.offers(folder, task, name) for folder, choice, name in seen for task in others
            ):
                sets = ", ".join(source.folder.name for source in self.train_sources)
                raise ConfigurationError(
                    f"no frame of {sets} has both {given}, which the network looks at, and {' or '.join(others)}, "
                    f"which it is to learn{self._within}"
                )

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Shuffled, augmented batches; a last incomplete one is left out, for batch norm's sake."""
        return DataLoader(
            ConcatDataset(self._train),
            batch_size=self.batch_size,
            sampler=self._sampler(),
            drop_last=True,
            collate_fn=CutMix(self.mix) if self.mix else collate,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def _sampler(self) -> Sampler[int]:
        """The order of frames: every one once an epoch; or balanced, as many draws with replacement."""
        whole = [
            all(choice.has(source.folder, kind, name) for kind in self.labels)
            for source, choice in zip(self.train_sources, self.choices, strict=True)
            for name in source.names
        ]
        if not self.balanced or all(whole) or not any(whole):
            return RandomSampler(whole)
        weights = [1 / sum(whole) if w else 1 / (len(whole) - sum(whole)) for w in whole]
        return WeightedRandomSampler(weights, len(whole))

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]] | list[Any]:
        """The frames held out, or nothing."""
        if self._validation is None:
            return []
        return DataLoader(self._validation, batch_size=self.batch_size, collate_fn=collate)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint says of the data: sources, frames, licences, budgets, teachers' digests, depth range.

        Depth is in canonical metres. And which frames a step sees, and how, so that a run is gone on with alike.

        What a teacher was trained on counts as trained on, as its labels carry it.
        """
        used: dict[tuple[str, str], set[str]] = {}
        for source in self.train_sources:  # One that is listed twice to weigh more is the same frames.
            used.setdefault((source.folder.name, source.folder.info.licence), set()).update(source.names)
        own = [TrainingData(name, len(names), licence) for (name, licence), names in used.items()]
        data = data_of_all([own, *(info.training_data for info in self._learnt_from)])
        ranges = [r for r in (d.canonical_depth_range for d in self._train) if r]
        return {
            "training_data": [asdict(entry) for entry in data],
            "budgets": self._budgets(),
            "teachers": sorted({info.teacher_sha256 for info in self._learnt_from}),
            "depth_range": [min(r[0] for r in ranges), max(r[1] for r in ranges)] if ranges else None,
            **self._drawn_by,
        }

    def _budgets(self) -> dict[str, str]:
        """Digest of the label budget by data set, of those whose labels this training and its teacher saw alike."""
        own: dict[str, str | None] = {source.folder.name: None for source in self.train_sources}
        own |= {choice.budget.dataset: choice.budget.digest for choice in self.choices if choice.budget}
        return budgets_of_all([own, *(info.learnt_within for info in self._learnt_from)])

    @property
    def _learnt_from(self) -> list[PseudoInfo]:
        """What is told of the pseudo-labels that are learnt."""
        return [choice.pseudo.info for choice in self.choices if choice.pseudo]


def _check_names(sources: Sequence[Source]) -> None:
    """Make sure that a name means one data set: budgets, pseudo-labels and licences are told apart by it.

    Raises:
        ConfigurationError: two folders have the same name.
    """
    roots: dict[str, Path] = {}
    for folder in (source.folder for source in sources):
        other = roots.setdefault(folder.name, folder.root)
        if other.resolve() != folder.root.resolve():
            raise ConfigurationError(f"{other} and {folder.root} are two data sets of one name: rename one folder")
