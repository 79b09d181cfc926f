"""Label the frames of a data set folder by its labelled ones that see the same place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mtl_perception.model_card import TrainingData
from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import LabelChoice
from training.datasets.pseudo_folder import DESCRIPTION, TAU_END, PseudoFolder, PseudoInfo
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.models.tasks import SEMANTIC
from training.pseudo_labels.labelling import create_folder
from training.pseudo_labels.measured_quality import write_quality
from training.reprojection.frames import choose_frames, read_labelled, read_view
from training.reprojection.record import digest_of_views, made_of, read_record, write_record
from training.reprojection.views import LabelledViews

DEFAULT_TOLERANCE = 0.03
DEFAULT_TAU = 0.5
TEACHER = "labelled views of the same place"
"""What ``pseudo_labels.json`` has in place of a checkpoint."""
_CHECKED = 50
"""So many labelled frames, at the most, are labelled by the others to see whether poses and depth are right."""


def reproject_labels(
    source: Source,
    *,
    out: Path | None = None,
    budget: Path | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    tau: float = DEFAULT_TAU,
    one_map: bool = False,
) -> None:
    """Label what ``source`` lacks by its labelled frames, and write a report of the quality.

    Interrupted, it goes on; where labelled frames, poses, depth or options have changed since, frames are labelled
    anew.

    Args:
        source: the frames.
        out: folder for the labels; None: the data set's own.
        budget: label budget: labels outside count as none.
        tolerance: a labelled frame measured a point where its depth there differs by no more than this share.
        tau: a class is kept that has more than this share of the votes.
        one_map: whether all recordings share a world; else labels stay within a recording.

    Raises:
        ConfigurationError: ``choose_frames`` finds nothing to do, ``out`` cannot be written to, or a number is out of
            range.
        DatasetError: ``out`` holds other labels, a pose is not rigid, or a frame is damaged.
    """
    if not 0 <= tau < TAU_END:
        raise ConfigurationError(f"tau {tau} is a share of votes: 0 to below {TAU_END:.3f}")
    if not 0 < tolerance < 1:
        raise ConfigurationError(f"tolerance {tolerance} is a share of a distance: above 0, below 1")
    folder = source.folder
    choice = LabelChoice(LabelBudget.read(budget, folder) if budget else None)
    frames = choose_frames(source, choice, one_map)
    # Before anything is read: what is changed while this runs is noticed the next time.
    digest, made = digest_of_views(folder, frames, tolerance), made_of(folder, frames, tolerance)
    views = read_labelled(folder, frames, tolerance)
    print(_agreement(views, tau))
    info = PseudoInfo(
        dataset=folder.name,
        teacher=TEACHER,
        teacher_sha256=digest,
        training_data=(TrainingData(folder.name, len(frames.labelled), folder.info.licence),),
        tasks=(SEMANTIC,),
        tau=tau,
        agreement=0.0,
        width=folder.info.width,
        height=folder.info.height,
        classes=len(folder.info.classes),
        depth_per_metre=folder.info.depth_per_metre,
        soft=False,
        budget=choice.budget.digest if choice.budget else None,
        budgets={folder.name: choice.budget.digest} if choice.budget else {},
    )
    labels = _begin(source, out or folder.root, info, made)
    for name in tqdm(frames.unlabelled, desc=f"labelling {folder.name}", unit="frame", disable=None):
        if labels.has(SEMANTIC, name):
            continue
        semantic, confidence = views[frames.worlds[name]].classes_of(read_view(folder, name))
        # What says that a frame is done is written last.
        labels.write("confidence", name, confidence)
        labels.write(SEMANTIC, name, semantic)
    share = np.mean([labels.confident(SEMANTIC, name).mean() for name in frames.unlabelled])
    print(
        f"{len(frames.unlabelled)} frames labelled in {labels.root} by {len(frames.labelled)}: {100 * share:.0f} % of "
        "their pixels" + (f"; {len(frames.alone)} are of recordings without a labelled frame" if frames.alone else "")
    )
    print(f"quality: {write_quality(Source(folder, frames.unlabelled), choice, labels, dict(folder.info.classes))}")


def _agreement(views: Mapping[str, LabelledViews], tau: float) -> str:
    """Label labelled frames by the others of their world, and say how well that went."""
    frames = [(there, name) for there in views.values() if len(there.views) > 1 for name in there.views]
    if not frames:
        return "one labelled frame a recording: nothing tells whether poses and depth are right"
    spread = np.linspace(0, len(frames) - 1, min(_CHECKED, len(frames))).round().astype(int)
    pixels = np.zeros(3, np.int64)  # labelled; of these reached; of these right
    for i in tqdm(spread, desc="labelled frames by the others", unit="frame", leave=False, disable=None):
        there, name = frames[i]
        truth = there.views[name].semantic
        classes, confidence = there.classes_of(there.views[name], without=name)
        reached = (confidence > 255 * tau) & (truth > 0)
        pixels += [np.count_nonzero(m) for m in (truth, reached, reached & (classes == truth))]
    labelled, reached, right = (int(n) for n in pixels)
    return (
        f"{len(spread)} labelled frames, each labelled by the others: {100 * reached / max(labelled, 1):.0f} % of the "
        "pixels reached" + (f", {100 * right / reached:.0f} % of these right" if reached else "")
    )


def _begin(source: Source, target: Path, info: PseudoInfo, now: Mapping[str, str]) -> PseudoFolder:
    """Go on with labels of the same views, poses and options; without the others, which are to be made anew."""
    record, others = read_record(target), {*source.folder.names()} - {*source.names}
    if (target / DESCRIPTION).exists():
        begun = PseudoFolder(target)
        changes = {key: getattr(info, key) for key in ("teacher_sha256", "training_data", "tau")}
        if begun.info != info and replace(begun.info, **changes) == info:
            if strangers := sorted(name for name in others if begun.has(SEMANTIC, name)):
                raise ConfigurationError(
                    f"{target} holds labels of {len(strangers)} more frames, {strangers[0]} is one, that other views "
                    "or options made: name another folder by --out, or label all of these frames together"
                )
            (target / DESCRIPTION).unlink()
    labels = create_folder(target, info)
    written = [name for name in source.names if labels.has(SEMANTIC, name)]
    outdated = [name for name in written if name not in now or record.get(name) != now[name]]
    for name in outdated:
        labels.path(SEMANTIC, name).unlink()
    if outdated:
        print(
            f"{target}: {len(outdated)} of {len(written)} labels removed, as labelled frames, poses, depth or options "
            "have changed since"
        )
    # Before the labels are made anew: what is not there is still to be done.
    write_record(target, {**{name: made for name, made in record.items() if name in others}, **now})
    return labels
