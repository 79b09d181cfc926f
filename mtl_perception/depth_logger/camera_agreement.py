"""One folder, one camera: ``dataset.json`` is written by the first run, and later runs must agree with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_index import INDEX_FOLDER
from mtl_perception.dataset_index_writer import sync_folder
from mtl_perception.dataset_lock import locked_dataset_json

DEPTH_PER_METRE = 1000.0
"""What is logged is in millimetres."""
UNKNOWN_LICENCE = "unknown"

_FOCAL_TOLERANCE = 0.01
"""Relative: more than a calibration differs from the next of the same camera."""
_CENTRE_TOLERANCE = 0.01
"""Of the image's width."""
_ELSEWHERE = "log into another folder"


def make_folder(root: Path) -> None:
    """Make the data set folder ``root`` and see that it can be written.

    Raises:
        DatasetError: it cannot.
    """
    try:
        made = [folder for folder in (root / INDEX_FOLDER, root, *root.parents) if not folder.exists()]
        (root / INDEX_FOLDER).mkdir(parents=True, exist_ok=True)
        with locked_dataset_json(root):
            pass
        for folder in made:  # or a power cut may take the whole folder, whatever was synced within
            sync_folder(folder.parent)
    except OSError as error:
        raise DatasetError(f"cannot write to {root}: {error.strerror}") from error


def agree_on_camera(
    root: Path, width: int, height: int, intrinsics: Intrinsics, licence: str, source: str
) -> DatasetInfo:
    """Write the ``dataset.json`` of ``root``, or see that it tells of the same camera, unit and licence.

    Args:
        root: the data set folder, see ``make_folder``.
        width, height: pixels of the frames to come.
        intrinsics: of the colour camera at this size.
        licence: terms of the frames; empty says nothing: ``"unknown"`` is written, any is agreed with.
        source: where they come from; written, not compared.

    Returns:
        What the ``dataset.json`` says now.

    Raises:
        DatasetError: it tells of another; the message says what to do.
        OSError: the disk refuses.
    """
    info = DatasetInfo(width, height, licence or UNKNOWN_LICENCE, source, intrinsics, DEPTH_PER_METRE)
    # Two loggers may see their first frames at once.
    with locked_dataset_json(root):
        if (root / "dataset.json").exists():
            there = DatasetFolder(root).info
            difference = _difference(there, replace(info, licence=licence or there.licence))
            if difference:
                raise DatasetError(f"{root} holds frames of another kind: {difference}")
            return there
        write_atomically(root / "dataset.json", info.to_json().encode())
        sync_folder(root)
        return info


def camera_difference(there: DatasetInfo, width: int, height: int, ours: Intrinsics) -> str | None:
    """What keeps frames of ``width`` x ``height`` and a camera from lying beside those of ``there``, if anything does.

    Also says what to do.
    """
    if (there.width, there.height) != (width, height):
        return f"they are {there.width}x{there.height}, the camera sends {width}x{height}; {_ELSEWHERE}"
    if there.intrinsics is None:
        return f"their camera is unknown; {_ELSEWHERE}, or write the intrinsics into its dataset.json"
    theirs = there.intrinsics
    focal = max(abs(theirs.fx / ours.fx - 1), abs(theirs.fy / ours.fy - 1))
    centre = max(abs(theirs.cx - ours.cx), abs(theirs.cy - ours.cy)) / width
    if not (focal <= _FOCAL_TOLERANCE and centre <= _CENTRE_TOLERANCE):  # so that NaN differs too
        return f"their camera has {_numbers(theirs)}, this one {_numbers(ours)}; {_ELSEWHERE}"
    return None


def _difference(there: DatasetInfo, here: DatasetInfo) -> str | None:
    difference = camera_difference(there, here.width, here.height, here.intrinsics)
    if difference:
        return difference
    if there.depth_per_metre != here.depth_per_metre:
        return f"their depth has {there.depth_per_metre:g} units a metre, not {here.depth_per_metre:g}; {_ELSEWHERE}"
    if there.licence != here.licence:
        return (
            f"their licence is {there.licence!r}, not {here.licence!r}; {_ELSEWHERE}, or correct its dataset.json "
            "if it is wrong"
        )
    return None


def _numbers(camera: Intrinsics) -> str:
    return " ".join(f"{name} {value:.1f}" for name, value in vars(camera).items())
