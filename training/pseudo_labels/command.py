"""``python -m training pseudo-label``: a teacher writes the labels that frames lack."""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

from lightning import Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from torch.utils.data import DataLoader

from mtl_perception.argument_types import at_least_one, user_path
from training.checkpoint import TrainedNetwork
from training.datasets.derived.sources import DERIVED_FROM, carries, source_kind
from training.datasets.frame_cache import LabelChoice
from training.datasets.label_budget import LabelBudget
from training.datasets.pseudo_folder import DEFAULT_TAU, TAU_END, PseudoFolder, PseudoInfo
from training.datasets.source import Source, check_classes
from training.errors import ConfigurationError
from training.frame_prediction import NamedFrames, collate_named
from training.metrics.by_task import read_truth
from training.models.tasks import DEPTH, SEMANTIC
from training.pseudo_labels.contact_sheet import Example
from training.pseudo_labels.derived_quality import DerivedPseudoLabelQuality
from training.pseudo_labels.quality import DepthPseudoLabelQuality, PseudoLabelQuality
from training.pseudo_labels.report import write_report
from training.pseudo_labels.teachers import Teachers
from training.pseudo_labels.writer import PseudoLabelWriter

EXAMPLES = 4
LABELLED = [SEMANTIC, DEPTH, *DERIVED_FROM]
SHOWN = {SEMANTIC: (PseudoFolder.read_semantic, "confidence"), DEPTH: (PseudoFolder.read_depth, "depth_confidence")}
"""Tasks of which the report has pictures: how what is kept is read, and where the confidence is."""


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


def write_pseudo_labels(
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


def measure(
    source: Source, choice: LabelChoice, out: PseudoFolder
) -> tuple[PseudoLabelQuality | None, DepthPseudoLabelQuality | None, dict[str, DerivedPseudoLabelQuality]]:
    """How good the pseudo-labels are, where the data set holds a truth that the teacher's training did not see.

    A frame that lacks one of several labels may have another that the teacher learnt from.
    """
    folder, info = source.folder, out.info
    trained_on_it = folder.name in [data.name for data in info.training_data]

    def is_new(task: str, name: str) -> bool:
        return carries(folder, task, name) and not (trained_on_it and choice.has(folder, task, name))

    semantic = PseudoLabelQuality(info.classes, info.tau) if SEMANTIC in info.tasks else None
    depth = DepthPseudoLabelQuality() if DEPTH in info.tasks else None
    derived = {task: DerivedPseudoLabelQuality(task) for task in info.tasks if task in DERIVED_FROM}
    for name in source.names:
        if semantic and is_new(SEMANTIC, name):
            semantic.update(
                out.read_whole(SEMANTIC, name),
                out.read_whole("confidence", name),
                out.confident(SEMANTIC, name),
                read_truth(folder, SEMANTIC, name),
            )
        if depth and is_new(DEPTH, name):
            depth.update(
                out.read_whole(DEPTH, name),
                out.read_whole("depth_confidence", name),
                out.confident(DEPTH, name),
                read_truth(folder, DEPTH, name),
            )
        for task, quality in derived.items():
            if is_new(task, name):
                whole = out.read_whole(task, name)
                quality.update(whole, out.confident(task, name), read_truth(folder, task, name))
    return semantic, depth, derived


def examples(source: Source, out: PseudoFolder, task: str) -> list[Example]:
    """A few frames, spread over the source, as pictures of the report; ``task`` is semantic or depth."""
    folder = source.folder
    read, confidence = SHOWN[task]
    return [
        Example(
            name=name,
            rgb=folder.read_rgb(name),
            pseudo=read(out, name),
            confidence=out.read_whole(confidence, name),
            truth=read_truth(folder, task, name) if folder.has(task, name) else None,
        )
        for name in source.spread(EXAMPLES).names
    ]


def main(argv: list[str]) -> None:
    """Label; ``argv`` follows the word ``pseudo-label``."""
    parser = argparse.ArgumentParser(
        prog="python -m training pseudo-label",
        description="Let a trained teacher label the frames that have no label. True labels are never touched: "
        "pseudo-labels go to folders of their own. A report tells their quality where the data set holds a truth "
        "that the budget hides. Interrupted, the same command goes on.",
    )
    parser.add_argument(
        "teachers",
        type=user_path,
        nargs="+",
        metavar="TEACHER",
        help="checkpoint of the teacher: runs/NAME/last.ckpt; of several the mean of what they say of each class "
        "labels, e.g. of one that looks at depth and one that does not",
    )
    parser.add_argument("frames", metavar="FOLDER:SPLIT", help="frames to label")
    parser.add_argument(
        "--budget", type=user_path, help="label budget the teacher was trained on: labels outside count as none"
    )
    parser.add_argument("--out", type=user_path, help="where to write (default: into the data set's own folder)")
    parser.add_argument(
        "--tasks", nargs="+", choices=LABELLED, default=[SEMANTIC], help="what to label (default: semantic)"
    )
    parser.add_argument(
        "--tau",
        type=float,
        default=DEFAULT_TAU,
        help="keep a class whose softmax is larger, an edge or none whose probability is (default: %(default)s)",
    )
    parser.add_argument(
        "--agreement",
        type=float,
        default=0.05,
        help="keep depth that differs from the mirrored picture's by no more than this share, normals by no more than "
        "this 1 - cosine, offsets by no more than this share of the width (default: 0.05)",
    )
    parser.add_argument(
        "--soft", action="store_true", help="write the probabilities of all classes too; those of edges always are"
    )
    parser.add_argument(
        "--scales",
        nargs="+",
        type=float,
        default=(),
        metavar="S",
        help="label classes by the mean over the picture at the working size enlarged S times, each also mirrored, "
        "e.g. 1 1.33 1.67, for so many times the work (default: the picture as it is)",
    )
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    parser.add_argument("--devices", type=at_least_one, default=1, help="processes or GPUs (default: 1)")
    parser.add_argument("--batch-size", type=at_least_one, default=8, help="frames at a time (default: 8)")
    options = parser.parse_args(argv)
    if not 0 <= options.tau < TAU_END or not 0 <= options.agreement <= 1:
        raise ConfigurationError(
            f"tau {options.tau} and agreement {options.agreement} are shares: 0 to 1, tau below {TAU_END:.3f}"
        )
    if not all(0.25 <= scale <= 4 for scale in options.scales):
        raise ConfigurationError(f"--scales {' '.join(map(str, options.scales))}: each is 0.25 to 4")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    teachers = Teachers.load(options.teachers)
    trained = teachers.as_one()
    source = Source.parse(options.frames, ".")
    choice = LabelChoice(LabelBudget.read(options.budget, source.folder) if options.budget else None)
    tasks = tuple(options.tasks)
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
        tau=options.tau,
        agreement=options.agreement,
        width=source.folder.info.width,
        height=source.folder.info.height,
        classes=len(trained.classes),
        depth_per_metre=source.folder.info.depth_per_metre,
        soft=options.soft,
        budget=choice.budget.digest if choice.budget else None,
        scales=tuple(options.scales),
        budgets=trained.budgets,
    )
    target = options.out or source.folder.root
    try:
        out = PseudoFolder.create(target, info)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {target}: {error.strerror}; name another folder by --out") from error
    if not write_pseudo_labels(teachers, source, choice, out, options.batch_size, options.accelerator, options.devices):
        return
    print(f"{len(names)} frames labelled in {out.root}" + (f", {skipped} lack the teacher's inputs" if skipped else ""))
    semantic, depth, derived = measure(source, choice, out)
    shown = {task: examples(source, out, task) for task in tasks if task in SHOWN}
    report = write_report(out.root / "report", trained.classes, semantic, depth, shown, derived)
    print(f"quality: {report}")


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
                "it is to write; give --budget the file it was trained on, or none if there was none"
            )
