"""Which frames of a data set label which, and what is read of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from training.datasets.label_choice import LabelChoice
from training.datasets.source import Source, common_classes
from training.datasets.true_classes import read_true_classes
from training.errors import ConfigurationError
from training.models.tasks import DEPTH, SEMANTIC
from training.reprojection.views import LabelledView, LabelledViews, View

POSE = "pose"
_RIGID = 0.01


@dataclass(frozen=True)
class Frames:
    """Frames with depth and a pose.

    Attributes:
        labelled: those with classes.
        unlabelled: those without, in a world with a labelled one.
        alone: those without, in other worlds.
        worlds: by frame the world that its pose is in.
    """

    labelled: list[str]
    unlabelled: list[str]
    alone: list[str]
    worlds: dict[str, str]


def choose_frames(source: Source, choice: LabelChoice, one_map: bool = False) -> Frames:
    """Which frames of ``source`` label, and which they label.

    Poses of a recording are in a world of its own, as odometry begins anew with each; frames of a folder without
    recordings are in one.

    Args:
        source: the frames.
        choice: the labels that may be seen.
        one_map: whether all are in one world.

    Raises:
        ConfigurationError: the camera or the classes are not known; there is none that labels, or to be labelled.
    """
    folder = source.folder
    if folder.info.intrinsics is None:
        raise ConfigurationError(f"{folder.root} does not tell its camera: put intrinsics into its dataset.json")
    common_classes([source])
    recordings = {} if one_map else source.recordings
    placed = [n for n in source.names if all(choice.has(folder, kind, n) for kind in (DEPTH, POSE))]
    worlds = {n: recordings.get(n, f"{n} alone" if recordings else "") for n in placed}
    labelled = [n for n in placed if choice.has(folder, SEMANTIC, n)]
    known = {worlds[n] for n in labelled}
    others = [n for n in placed if not choice.has(folder, SEMANTIC, n)]
    frames = Frames(
        labelled=labelled,
        unlabelled=[n for n in others if worlds[n] in known],
        alone=[n for n in others if worlds[n] not in known],
        worlds=worlds,
    )
    if not frames.unlabelled:
        raise ConfigurationError(f"nothing to label in {folder.root}: {_why(source, choice, frames)}")
    return frames


def _why(source: Source, choice: LabelChoice, frames: Frames) -> str:
    """Why no frame is to be labelled."""
    count = {k: sum(choice.has(source.folder, k, n) for n in source.names) for k in (DEPTH, POSE, SEMANTIC)}
    within = " within the budget" if choice.budget else ""
    if frames.labelled and frames.alone:
        return (
            f"the {len(frames.alone)} frames without classes are of other recordings than the "
            f"{len(frames.labelled)} with; label some of each, or say --one-map if their poses are of one map"
        )
    return (
        f"of {len(source.names)} frames {count[DEPTH]} have depth, {count[POSE]} a pose and {count[SEMANTIC]} "
        f"classes{within}; needed are some with all three, and others with depth and a pose"
    )


def read_labelled(folder: DatasetFolder, frames: Frames, tolerance: float) -> dict[str, LabelledViews]:
    """The labelled frames by their world.

    Raises:
        DatasetError: a file is damaged, or a pose is not rigid.
        ConfigurationError: a class id has no name.
    """
    assert folder.info.intrinsics is not None
    views: dict[str, dict[str, LabelledView]] = {}
    for name in _with_bar(frames.labelled, f"reading {folder.name}"):
        view = read_view(folder, name)
        labelled = LabelledView(view.depth, view.pose, read_true_classes(folder, name))
        views.setdefault(frames.worlds[name], {})[name] = labelled
    camera, classes = folder.info.intrinsics.matrix(), len(folder.info.classes)
    return {world: LabelledViews(there, camera, classes, tolerance) for world, there in views.items()}


def _with_bar(names: list[str], what: str) -> Iterable[str]:
    return tqdm(names, desc=what, unit="frame", leave=False, disable=None)


def read_view(folder: DatasetFolder, name: str) -> View:
    """A frame's depth and pose.

    Raises:
        DatasetError: a file is damaged, or the pose is no turn and move.
    """
    pose = folder.read_pose(name)
    turn = pose[:3, :3]
    rigid = np.allclose(turn @ turn.T, np.eye(3), atol=_RIGID) and np.linalg.det(turn) > 0
    if not rigid or not np.allclose(pose[3], (0, 0, 0, 1)):
        raise DatasetError(
            f"{folder.path(POSE, name)} is not rigid: its rows are to be a rotation and a position, row by row, and "
            "0 0 0 1; mend it, or remove it and the frame is left out"
        )
    return View(folder.read_depth(name), pose)
