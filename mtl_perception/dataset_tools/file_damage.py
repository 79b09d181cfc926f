"""What is wrong with one file of a data set folder."""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np

from mtl_perception.dataset_folder import DatasetInfo
from mtl_perception.dataset_tools.dataset_json import is_name
from mtl_perception.picture import PictureError, decode_picture

SUFFIXES = {
    "rgb": (".jpg", ".png"),
    "depth": (".png",),
    "semantic": (".png",),
    "instance": (".png",),
    "pose": (".txt",),
}
"""Folders of a data set, and how the names of the files in them end."""
_TYPES = {"depth": (np.uint16,), "semantic": (np.uint8,), "instance": (np.uint8, np.uint16)}


def damage_of(kind: str, path: Path, info: DatasetInfo) -> str | None:
    """What is wrong with the file ``path`` of the folder ``kind``; None where nothing is.

    Beside what the readers of the folder would refuse, every class id is looked at.
    """
    if path.suffix not in SUFFIXES[kind]:
        return f"files of {kind} end with {' or '.join(SUFFIXES[kind])}"
    if not is_name(path.stem):
        return "its name cannot name a frame: letters, digits, '.', '_' and '-' only"
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if kind == "pose":
        return _pose_damage(data)
    try:
        image = decode_picture(data, cv2.IMREAD_COLOR if kind == "rgb" else cv2.IMREAD_UNCHANGED)
    except PictureError as error:
        return str(error)
    if image.shape[:2] != (info.height, info.width):
        return f"it is {image.shape[1]}x{image.shape[0]}, dataset.json says {info.width}x{info.height}"
    if kind != "rgb" and (image.ndim != 2 or image.dtype not in _TYPES[kind]):
        wanted = " or ".join(np.dtype(t).name for t in _TYPES[kind])
        return f"it is {image.dtype} of shape {image.shape}, not one channel of {wanted}"
    if kind == "semantic":
        unknown = np.setdiff1d(np.unique(image), [0, *info.classes])
        if unknown.size:
            ids = ", ".join(map(str, unknown.tolist()))
            return f"it has the class ids {ids}, which dataset.json does not name"
    return None


def _pose_damage(data: bytes) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of an empty file
            pose = np.loadtxt(data.decode("ascii").splitlines())
    except (ValueError, UnicodeDecodeError) as error:
        return f"it is no pose: {error}"
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        return "a pose is 4 rows of 4 numbers"
    return None
