"""Cityscapes: street scenes with stereo depth and 19 classes."""

from __future__ import annotations

from pathlib import Path

import cv2

from mtl_perception.dataset_folder import DatasetError, DatasetInfo
from training.prepare.cityscapes_cameras import StereoCamera, common_camera, resized
from training.prepare.cityscapes_files import HEIGHT, SPLITS, SUFFIX, WIDTH, Package
from training.prepare.cityscapes_labels import CLASS_OF, CLASSES, LAST_ID
from training.prepare.conversion import Frame, PublicSet
from training.prepare.splits import with_drawn

SIZES = {"train": 2975, "val": 500}
DRAWN = {"train_300": ("train", 300), "val_200": ("val", 200)}
"""The paper's sizes for few labels (Erkent, Experiments, Cityscapes)."""

DEPTH_PER_METRE = 256
"""Street scenes reach beyond the 65 m that millimetres can say; this says 256 m, in steps of 4 mm."""


def open_set(source: Path, height: int, check: bool = True) -> PublicSet:
    """The data set in the official packages.

    Args:
        source: folder of the packages, unpacked or not.
        height: of the frames, pixels; the width is twice that.
        check: whether to compare checksums.

    Raises:
        DatasetError: a package or a frame's file is missing or damaged.
    """
    packages = {kind: Package(source, kind, check) for kind in SUFFIX}
    official = {split: packages["leftImg8bit"].frames(split) for split in SPLITS}
    for split, names in official.items():
        if not names:
            raise DatasetError(f"{packages['leftImg8bit'].root} has no frames in {split}")
        _check_all_there(packages, split, names)
    split_of = {name: split for split, names in official.items() for name in names}
    package = packages["camera"]
    cameras = {
        name: StereoCamera.parse(package.read(split, name), package.where(split, name))
        for name, split in split_of.items()
    }
    common = common_camera(cameras)
    size = (WIDTH * height // HEIGHT, height)

    def read(name: str) -> Frame:
        split = split_of[name]
        rgb = packages["leftImg8bit"].read_image(split, name, "uint8", 3)
        ids = packages["gtFine"].read_image(split, name, "uint8", 1)
        if ids.max() > LAST_ID:
            raise DatasetError(f"{packages['gtFine'].where(split, name)} has id {ids.max()}, the highest is {LAST_ID}")
        disparity = packages["disparity"].read_image(split, name, "uint16", 1)
        depth = cameras[name].depth(disparity, common)
        # Nearest: between two classes, or a near and a far surface, there is no mean. Exact, as the plain one lies
        # up to half a pixel off.
        return Frame(
            cv2.resize(rgb, size, interpolation=cv2.INTER_AREA),
            cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST_EXACT),
            cv2.resize(CLASS_OF[ids], size, interpolation=cv2.INTER_NEAREST_EXACT),
        )

    info = DatasetInfo(
        width=size[0],
        height=size[1],
        licence="Cityscapes terms of use: non-commercial, not to be passed on (cityscapes-dataset.com/license)",
        source=f"Cityscapes, leftImg8bit and gtFine; depth from stereo, for a focal length of {common.fx:g} pixels "
        f"of {WIDTH}",
        intrinsics=resized(common, height / HEIGHT),
        depth_per_metre=DEPTH_PER_METRE,
        classes=CLASSES,
        splits=with_drawn(official, DRAWN),
    )
    return PublicSet(info, list(split_of), read, {**SIZES, **{split: count for split, (_, count) in DRAWN.items()}})


def _check_all_there(packages: dict[str, Package], split: str, names: list[str]) -> None:
    """Find out before the work begins whether a frame lacks a file.

    Raises:
        DatasetError: one does.
    """
    for package in packages.values():
        missing = sorted(set(names) - set(package.frames(split)))
        if missing:
            more = f", and {len(missing) - 1} more like it" if len(missing) > 1 else ""
            raise DatasetError(f"{package.where(split, missing[0])} is missing{more}")
