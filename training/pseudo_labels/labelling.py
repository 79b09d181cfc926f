"""Let one or several teachers label the frames that have no label, and tell how good the labels are."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

from lightning import Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from torch.utils.data import DataLoader

from training.checkpoint import TrainedNetwork
from training.datasets.derived.sources import source_kind
from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import LabelChoice
from training.datasets.pseudo_folder import DEFAULT_TAU, TAU_END, PseudoFolder, PseudoInfo
from training.datasets.source import Source, check_classes
from training.errors import ConfigurationError
from training.frame_prediction import NamedFrames, collate_named
from training.models.tasks import DEPTH, SEMANTIC
from training.pseudo_labels.measured_quality import write_quality
from training.pseudo_labels.scales import check_scales
from training.pseudo_labels.teachers import Teachers
from training.pseudo_labels.writer import PseudoLabelWriter

DEFAULT_AGREEMENT = 0.05
DEFAULT_BATCH_SIZE = 8


def write_pseudo_labels(
    checkpoints: Sequence[Path],
    source: Source,
    *,
    out: Path | None = None,
    budget: Path | None = None,
    tasks: Sequence[str] = (SEMANTIC,),
    tau: float = DEFAULT_TAU,
    agreement: float = DEFAULT_AGREEMENT,
    soft: bool = False,
    scales: Sequence[float] = (),
    accelerator: str = "auto",
    devices: int = 1,
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> None:
    """Label what ``source`` lacks, and write a report of the quality; what was written before is gone on with.

    Args:
        checkpoints: of the teachers; of several the mean of what they say of each class labels.
        source: the frames.
        out: folder for the labels; None: the data set's own.
        budget: label budget the teachers were trained on: labels outside count as none.
        tasks: what to label.
        tau: a class is kept whose softmax is larger (section III-C of the paper), an edge or none whose probability is.
        agreement: depth is kept that differs from the mirrored picture's by no more than this share; normals by no
            more than this 1 - cosine, offsets by no more than this share of the width.
        soft: whether the probabilities of all classes are written too.
        scales: sizes of a frame over which the word on its classes is the mean; empty: its working size alone.
        accelerator, devices: Lightning's.
        batch_size: frames at a time.

    Raises:
        ConfigurationError: a checkpoint cannot label these tasks of these frames, the teachers do not go together,
            there is nothing to label, ``out`` cannot be written to, or tau, agreement or a scale is out of range.
        DatasetError: ``out`` holds other labels, or a frame is damaged.
    """
    if not 0 <= tau < TAU_END or not 0 <= agreement <= 1:
        raise ConfigurationError(f"tau {tau} and agreement {agreement} are shares: 0 to 1, tau below {TAU_END:.3f}")
    check_scales(list(scales))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    teachers = Teachers.load(checkpoints)
    trained = teachers.as_one()
    choice = LabelChoice(LabelBudget.read(budget, source.folder) if budget else None)
    tasks = tuple(tasks)
    if len(teachers.networks) > 1 and tasks != (SEMANTIC,):
        raise ConfigurationError(f"several teachers label {SEMANTIC} only: let one of them label {', '.join(tasks)}")
    for path, network in zip(teachers.paths, teachers.networks, strict=True):
        _check(path, network, source, choice, tasks)
    names, skipped = unlabelled_frames(trained, source, choice, tasks)
    source = Source(source.folder, names)
    info = PseudoInfo(
        dataset=source.folder.name,
        teacher=", ".join(map(str, teachers.paths)),
        teacher_sha256=teachers.digest,
        training_data=trained.training_data,
        tasks=tasks,
        tau=tau,
        agreement=agreement,
        width=source.folder.info.width,
        height=source.folder.info.height,
        classes=len(trained.classes),
        depth_per_metre=source.folder.info.depth_per_metre,
        soft=soft,
        budget=choice.budget.digest if choice.budget else None,
        scales=tuple(scales),
        budgets=trained.budgets,
    )
    labels = create_folder(out or source.folder.root, info)
    if not _write(teachers, source, choice, labels, batch_size, accelerator, devices):
        return
    print(
        f"{len(names)} frames labelled in {labels.root}" + (f", {skipped} lack the teacher's inputs" if skipped else "")
    )
    print(f"quality: {write_quality(source, choice, labels, trained.classes)}")


def create_folder(target: Path, info: PseudoInfo) -> PseudoFolder:
    """``PseudoFolder.create``.

    Raises:
        ConfigurationError: it cannot be written to.
        DatasetError: it holds other labels.
    """
    try:
        return PseudoFolder.create(target, info)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {target}: {error.strerror}; name another folder to write to"
        ) from error


def unlabelled_frames(
    trained: TrainedNetwork, source: Source, choice: LabelChoice, tasks: tuple[str, ...]
) -> tuple[list[str], int]:
    """Frames that lack a label of ``tasks`` and carry what the teacher looks at; and how many carry too little.

    Raises:
        ConfigurationError: there is none; or the teacher looks at depth, and none of them knows any.
    """
    needed = list(dict.fromkeys(m.label for m in trained.inputs if m.label))
    lacking = [n for n in source.names if not all(choice.has(source.folder, task, n) for task in tasks)]
    usable = [n for n in lacking if all(choice.has(source.folder, label, n) for label in needed)]
    if not usable:
        why = (
            f"none of the {len(lacking)} frames without a label has {' and '.join(needed)} for the teacher to look at"
            if lacking
            else f"every frame has {' and '.join(tasks)} already"
        )
        raise ConfigurationError(f"nothing to label in {source.folder.root}: {why}")
    if DEPTH in map(source_kind, needed) and not any(source.folder.read_depth(n).any() for n in usable):
        raise ConfigurationError(
            f"nothing to label in {source.folder.root}: the teacher looks at depth, and it is 0, which is unknown, "
            f"all over the {len(usable)} frames without a label"
        )
    return usable, len(lacking) - len(usable)


def _write(
    teachers: Teachers,
    source: Source,
    choice: LabelChoice,
    out: PseudoFolder,
    batch_size: int,
    accelerator: str,
    devices: int,
) -> bool:
    """Label the frames of ``source`` that ``out`` does not hold yet; whether this process is the one to go on."""
    remaining = [n for n in source.names if not all(out.has(task, n) for task in out.info.tasks)]
    frames = NamedFrames(teachers.as_one(), Source(source.folder, remaining), choice)
    trainer = Trainer(
        accelerator=accelerator,
        # Lightning stops at a process that is left without a frame.
        devices=max(1, min(devices, len(remaining))),
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[TQDMProgressBar(refresh_rate=1)],
    )
    if remaining:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message="predict returned None")  # It writes instead.
            trainer.predict(
                PseudoLabelWriter(teachers, source.folder, out, frames),
                DataLoader(frames, batch_size=batch_size, collate_fn=collate_named),
                return_predictions=False,
            )
        trainer.strategy.barrier()
    return bool(trainer.is_global_zero)


def _check(path: Path, trained: TrainedNetwork, source: Source, choice: LabelChoice, tasks: tuple[str, ...]) -> None:
    missing = [task for task in tasks if task not in trained.tasks]
    if missing:
        raise ConfigurationError(f"{path} predicts {' and '.join(trained.tasks)}, not {missing[0]}")
    looked_at = [m.label for m in trained.inputs if m.label in tasks]
    if looked_at:
        raise ConfigurationError(f"{path} looks at {looked_at[0]}: it cannot label frames that have none")
    if SEMANTIC in tasks and source.folder.info.classes:  # Recordings name none: they get the teacher's.
        check_classes(source.folder, trained.classes)
    name = source.folder.name
    if trained.budgets is not None and name in [data.name for data in trained.training_data]:
        seen, given = trained.budgets.get(name), choice.budget.digest if choice.budget else None
        if seen != given:
            raise ConfigurationError(
                f"{path} was trained on {'a label budget' if seen else 'all labels'} of {name!r}, "
                f"{'other than the one given' if given else 'and none is given'}: it may have learnt the very labels "
                "it is to write; give the budget file it was trained on, or none if there was none"
            )
