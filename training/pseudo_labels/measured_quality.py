"""Measure pseudo-labels on frames whose truth the teacher's training did not see, and write the report of it."""

from __future__ import annotations

from pathlib import Path

from training.datasets.derived.sources import DERIVED_FROM, carries
from training.datasets.label_choice import LabelChoice
from training.datasets.pseudo_folder import PseudoFolder
from training.datasets.source import Source
from training.metrics.by_task import read_truth
from training.models.tasks import DEPTH, SEMANTIC
from training.pseudo_labels.contact_sheet import Example
from training.pseudo_labels.derived_quality import DerivedPseudoLabelQuality
from training.pseudo_labels.quality import DepthPseudoLabelQuality, PseudoLabelQuality
from training.pseudo_labels.report import write_report

EXAMPLES = 4
SHOWN = {SEMANTIC: (PseudoFolder.read_semantic, "confidence"), DEPTH: (PseudoFolder.read_depth, "depth_confidence")}
"""Tasks of which the report has pictures: how what is kept is read, and where the confidence is."""


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
        for task, quality in ((SEMANTIC, semantic), (DEPTH, depth)):
            if quality and is_new(task, name):
                quality.update(
                    out.read_whole(task, name),
                    out.read_whole(SHOWN[task][1], name),
                    out.confident(task, name),
                    read_truth(folder, task, name),
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


def write_quality(source: Source, choice: LabelChoice, out: PseudoFolder, classes: dict[int, str]) -> Path:
    """Measure, and write figures and pictures beside the labels; the report."""
    semantic, depth, derived = measure(source, choice, out)
    shown = {task: examples(source, out, task) for task in out.info.tasks if task in SHOWN}
    return write_report(out.root / "report", classes, semantic, depth, shown, derived)
