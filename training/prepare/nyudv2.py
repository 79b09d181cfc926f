"""NYU Depth v2, the labelled frames: 1449 views of rooms with Kinect depth and 40 classes."""

from __future__ import annotations

from pathlib import Path

from mtl_perception.dataset_folder import DatasetError, DatasetInfo, Intrinsics
from training.prepare.checksums import verify
from training.prepare.conversion import Frame, PublicSet
from training.prepare.nyudv2_files import HEIGHT, WIDTH, LabelledFrames, read_class_mapping, read_splits
from training.prepare.splits import with_drawn
from training.rooms.classes import NYU40

FILES = ("nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat")
DEPTH = {"measured": "rawDepths", "inpainted": "depths"}
"""The array of each kind of depth: as the sensor gave it, with holes, or with the holes filled by its authors."""

SIZES = {"train": 795, "test": 654}
DRAWN = {"train_500": ("train", 500), "val_395": ("test", 395)}
"""The paper's sizes (Erkent, Experiments, NYUDv2). What it measures on is drawn from rooms that no training saw."""

# The colour camera, from the authors' toolbox: depth is projected into its undistorted image.
CAMERA = Intrinsics(fx=518.857901, fy=519.469611, cx=325.582449, cy=253.736166)


def open_set(source: Path, depth: str, check: bool = True) -> PublicSet:
    """The data set in the official files.

    Args:
        source: folder of ``FILES``.
        depth: ``"measured"`` or ``"inpainted"``.
        check: whether to compare checksums.

    Raises:
        DatasetError: a file is missing, damaged or not the official one.
    """
    paths = [source / file for file in FILES]
    for path in paths:
        if not path.is_file():
            raise DatasetError(f"{path} is missing: docs/data.md tells where to get it")
        if check:
            verify(path)
    frames = LabelledFrames(paths[0])
    splits = read_splits(paths[1], len(frames))
    class_of = read_class_mapping(paths[2], frames.label_names)
    numbers = {_name(i): i for i in range(1, len(frames) + 1)}

    def read(name: str) -> Frame:
        index = numbers[name] - 1
        labels = frames.read("labels", index)
        if labels.max() >= len(class_of):
            raise DatasetError(
                f"{frames.path}: frame {index + 1} has label {labels.max()}, but only {len(class_of) - 1} are named"
            )
        return Frame(frames.read("images", index), frames.read(DEPTH[depth], index), class_of[labels])

    info = DatasetInfo(
        width=WIDTH,
        height=HEIGHT,
        licence="NYU Depth v2 comes without a licence; for research, citing Silberman et al., ECCV 2012",
        source=f"NYU Depth v2, labelled frames, {depth} depth",
        intrinsics=CAMERA,
        classes=NYU40,
        splits=with_drawn({split: [_name(i) for i in members] for split, members in splits.items()}, DRAWN),
    )
    return PublicSet(info, list(numbers), read, {**SIZES, **{split: count for split, (_, count) in DRAWN.items()}})


def _name(number: int) -> str:
    """The frame's name: its number in the official files, from 1."""
    return f"{number:04d}"
