"""Label the frames of a data set folder by its labelled ones that see the same place."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_index import read_index
from mtl_perception.model_card import TrainingData
from training.datasets.frame_cache import LabelChoice
from training.datasets.label_budget import LabelBudget
from training.datasets.pseudo_folder import TAU_END, PseudoFolder, PseudoInfo
from training.datasets.source import Source, common_classes
from training.datasets.true_classes import read_true_classes
from training.errors import ConfigurationError
from training.models.tasks import SEMANTIC
from training.pseudo_labels.measured_quality import write_quality
from training.reprojection.views import LabelledView, LabelledViews, View

DEFAULT_TOLERANCE = 0.03
DEFAULT_TAU = 0.5
TEACHER = "labelled views of the same place"
"""What ``pseudo_labels.json`` has in place of a checkpoint."""
_CHECKED = 50
"""So many labelled frames, at the most, are labelled by the others to see whether poses and depth are right."""
_RIGID = 0.01


@dataclass(frozen=True)
class Agreement:
    """How labelled frames look when the other labelled ones label them.

    Attributes:
        frames: how many were labelled so.
        reached: share of their labelled pixels that another view measured, and labelled with a majority.
        right: share of those with the class they have.
    """

    frames: int
    reached: float
    right: float

    def __str__(self) -> str:
        return (
            f"{self.frames} labelled frames, each labelled by the others: {100 * self.reached:.0f} % of the pixels "
            f"reached, {100 * self.right:.0f} % of these right"
        )


def reproject_labels(
    source: Source,
    *,
    out: Path | None = None,
    budget: Path | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    tau: float = DEFAULT_TAU,
    one_map: bool = False,
) -> Agreement | None:
    """Label what ``source`` lacks by its labelled frames, and write a report; what was written before is gone on with.

    Args:
        source: the frames, with depth and poses in one world.
        out: folder for the labels; None: the data set's own.
        budget: label budget: labels outside count as none.
        tolerance: a labelled frame measured a point where its depth there differs by no more than this share.
        tau: a class is kept that has more than this share of the votes.
        one_map: whether the runs of the depth logger share a world; else labels stay within a run.

    Returns:
        How well the labelled frames label one another; None where no two are of one world.

    Raises:
        ConfigurationError: the camera is unknown, no frame is labelled or none is left to label, or a number is out of
            range.
        DatasetError: ``out`` holds other labels, a pose is not rigid, or a frame is damaged.
    """
    if not 0 <= tau < TAU_END or not 0 < tolerance < 1:
        raise ConfigurationError(f"tau {tau} and tolerance {tolerance} are shares: 0 to 1, tau below {TAU_END:.3f}")
    folder = source.folder
    if folder.info.intrinsics is None:
        raise ConfigurationError(f"{folder.root} does not tell its camera: put intrinsics into its dataset.json")
    classes = common_classes([source])
    choice = LabelChoice(LabelBudget.read(budget, folder) if budget else None)
    labelled, unlabelled = _by_label(source, choice)
    info = PseudoInfo(
        dataset=folder.name,
        teacher=TEACHER,
        teacher_sha256=_digest(Source(folder, labelled), tolerance, one_map),
        training_data=(TrainingData(folder.name, len(labelled), folder.info.licence),),
        tasks=(SEMANTIC,),
        tau=tau,
        agreement=0,
        width=folder.info.width,
        height=folder.info.height,
        classes=len(classes),
        depth_per_metre=folder.info.depth_per_metre,
        soft=False,
        budget=choice.budget.digest if choice.budget else None,
        budgets={folder.name: choice.budget.digest} if choice.budget else {},
    )
    labels = PseudoFolder.create(out or folder.root, info)
    world = {} if one_map else {n: index.run for index in read_index(folder.root) for n in index.frames}
    views = _read_views(folder, labelled, world, len(classes), tolerance)
    agreement = _agreement(views, tau)
    print(agreement or "no two labelled frames are of one run: nothing tells whether their poses and depth are right")
    bar = tqdm(unlabelled, desc=f"labelling {folder.name}", unit="frame", disable=None)
    for name in bar:
        if not labels.has(SEMANTIC, name) and (there := views.get(world.get(name, ""))):
            semantic, confidence = there.classes_of(_view(folder, name))
            # What says that a frame is done is written last.
            labels.write("confidence", name, confidence)
            labels.write(SEMANTIC, name, semantic)
    done = [name for name in unlabelled if labels.has(SEMANTIC, name)]
    alone = len(unlabelled) - len(done)
    print(
        f"{len(done)} frames labelled in {labels.root} by {len(labelled)}"
        + (f"; {alone} are of runs without a labelled frame" if alone else "")
    )
    if done:
        print(f"quality: {write_quality(Source(folder, done), choice, labels, classes)}")
    return agreement


def _by_label(source: Source, choice: LabelChoice) -> tuple[list[str], list[str]]:
    """The frames with depth and a pose that are labelled, and those that are not.

    Raises:
        ConfigurationError: there are none of one kind.
    """
    folder, kinds = source.folder, ("depth", "pose")
    placed = [n for n in source.names if all(choice.has(folder, kind, n) for kind in kinds)]
    labelled = [n for n in placed if choice.has(folder, SEMANTIC, n)]
    unlabelled = [n for n in placed if not choice.has(folder, SEMANTIC, n)]
    if labelled and unlabelled:
        return labelled, unlabelled
    with_classes = sum(choice.has(folder, SEMANTIC, n) for n in source.names)
    missing = [kind for kind in kinds if not any(choice.has(folder, kind, n) for n in source.names)]
    what = f"no frame has {missing[0]}" if missing else f"{len(placed)} frames have depth and a pose"
    raise ConfigurationError(
        f"nothing to label in {folder.root}: {what}, {with_classes} of {len(source.names)} have classes; needed are "
        "frames with depth, a pose and classes, and others with depth and a pose"
    )


def _read_views(
    folder: DatasetFolder, names: Iterable[str], world: dict[str, str], classes: int, tolerance: float
) -> dict[str, LabelledViews]:
    """The labelled frames by the world their poses are in."""
    camera = folder.info.intrinsics.matrix()
    views: dict[str, dict[str, LabelledView]] = {}
    for name in tqdm(list(names), desc=f"reading {folder.name}", unit="frame", leave=False, disable=None):
        frame = _view(folder, name)
        views.setdefault(world.get(name, ""), {})[name] = LabelledView(
            frame.depth, frame.pose, read_true_classes(folder, name)
        )
    return {key: LabelledViews(there, camera, classes, tolerance) for key, there in views.items()}


def _view(folder: DatasetFolder, name: str) -> View:
    """A frame's depth and pose.

    Raises:
        DatasetError: the pose is no turn and move.
    """
    pose = folder.read_pose(name)
    turn = pose[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=_RIGID) or np.linalg.det(turn) < 0:
        raise DatasetError(f"{folder.path('pose', name)} is not rigid: its upper left 3x3 numbers are no rotation")
    return View(folder.read_depth(name), pose)


def _agreement(views: dict[str, LabelledViews], tau: float) -> Agreement | None:
    """Label labelled frames by the others of their world."""
    frames = [(there, name) for there in views.values() if len(there.views) > 1 for name in there.views]
    if not frames:
        return None
    frames = [frames[i] for i in np.linspace(0, len(frames) - 1, min(_CHECKED, len(frames))).round().astype(int)]
    pixels: Counter[str] = Counter()
    for there, name in tqdm(frames, desc="labelled frames by the others", unit="frame", leave=False, disable=None):
        truth = there.views[name].semantic
        classes, confidence = there.classes_of(there.views[name], without=name)
        reached = (confidence > 255 * tau) & (truth > 0)
        right = reached & (classes == truth)
        pixels.update(known=int((truth > 0).sum()), reached=int(reached.sum()), right=int(right.sum()))
    return Agreement(
        len(frames),
        pixels["reached"] / max(pixels["known"], 1),
        pixels["right"] / max(pixels["reached"], 1),
    )


def _digest(labelled: Source, tolerance: float, one_map: bool) -> str:
    """What tells labels of these views from those of others."""
    return hashlib.sha256(json.dumps([labelled.digest, tolerance, one_map]).encode()).hexdigest()
