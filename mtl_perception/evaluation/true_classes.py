"""True classes of an image: of a message, or of a picture on disk, by the names of a data set's frames or by stamp."""

from __future__ import annotations

import copy
import re
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index
from mtl_perception.evaluation.errors import EvaluationError
from mtl_perception.messages.arrays import MessageError, array_from_image
from mtl_perception.picture import PictureError, decode_picture

_INDEX_OR_STAMP = re.compile(r"(\d+)|(\d+)\.(\d{1,9})")
_STAMP_DIGITS = 16
"""Whole numbers this long are stamps: as many nanoseconds were over in February 1970."""
_CLOSE = 1_000_000
"""Nanoseconds by which the stamp in a file's name may differ from the image's: names are often rounded."""


class LabelError(EvaluationError):
    """Labels that are missing, damaged, or do not belong to the recording; the message says which and what to do."""


def class_ids_of(message: Any) -> np.ndarray:
    """Class ids of an Image (mono8 or 8UC1) or of a CompressedImage that holds a PNG: (H, W) uint8.

    Raises:
        MessageError: it is damaged or of another kind.
    """
    if not hasattr(message, "encoding"):
        try:
            return _one_channel(bytes(message.data))
        except PictureError as error:
            raise MessageError(str(error)) from error
    if message.encoding not in ("mono8", "8UC1"):
        raise MessageError(f"labels are class ids, mono8 or 8UC1, not {message.encoding!r}")
    grey = copy.copy(message)
    grey.encoding = "mono8"  # the same bytes under another name
    return array_from_image(grey)


class LabelFolder:
    """Labels on disk.

    Either a data set folder, whose frames are found by the stamps of its index where it has one (of the depth logger),
    else in order: then it must have as many frames as the recording has images; ``FOLDER:NAME`` takes those of the
    split or sequence NAME. Or a folder of masks ``NAME.png``, of one channel of class ids, where NAME is an image's
    stamp, in nanoseconds or as ``seconds.fraction``, or its number, from 0.

    Args:
        text: ``FOLDER`` or ``FOLDER:NAME``.
        images: how many the recording has.
        breaks_off: the recording does, so that it may have fewer images than the folder frames.

    Attributes:
        name: for the metrics: the folder's name, with ``:NAME``.
        classes: what ids mean by the folder; empty where it does not say.

    Raises:
        LabelError: there are no labels, or it cannot be told which image they belong to.
        DatasetError: a data set folder is damaged, or has no such split or sequence.
    """

    def __init__(self, text: str, images: int, *, breaks_off: bool = False) -> None:
        root, part = Path(text), None
        if not root.exists() and ":" in text:
            path, _, part = text.rpartition(":")
            root = Path(path)
        if not root.is_dir():
            raise LabelError(f"there is no folder of labels {root}")
        self.name = root.resolve().name + (f":{part}" if part else "")
        self.classes: Mapping[int, str] = {}
        self._by_index: dict[int, Path] = {}
        self._stamps: list[int] = []
        self._by_stamp: list[Path] = []
        if (root / "dataset.json").exists():
            self._take_data_set(DatasetFolder(root), part, images, breaks_off)
        elif part:
            raise LabelError(f"{root} has no dataset.json, so no split or sequence {part!r}")
        else:
            self._take_masks(root)

    def read(self, index: int, stamp: int) -> np.ndarray | None:
        """The labels of the image of that number and stamp (ns), (H, W) uint8; None where there are none.

        Raises:
            MessageError: the file is damaged or of another kind.
        """
        path = self._by_index.get(index)
        if self._stamps:
            after = bisect_left(self._stamps, stamp)
            near = [i for i in (after - 1, after) if 0 <= i < len(self._stamps)]
            best = min(near, key=lambda i: abs(self._stamps[i] - stamp))
            path = self._by_stamp[best] if abs(self._stamps[best] - stamp) <= _CLOSE else None
        if path is None or not path.exists():
            return None
        try:
            return _one_channel(path.read_bytes())
        except (PictureError, OSError) as error:
            raise MessageError(f"{path}: {error}") from error

    def _take_data_set(self, folder: DatasetFolder, part: str | None, images: int, breaks_off: bool) -> None:
        names = list(folder.info.sequences[part]) if part in folder.info.sequences else folder.names(part)
        if not any(folder.has("semantic", name) for name in names):
            raise LabelError(f"no frame of {folder.root} has labels")
        self.classes = folder.info.classes
        stamps = {name: frame["stamp"] for index in read_index(folder.root) for name, frame in index.frames.items()}
        if all(name in stamps for name in names):
            self._take_stamps({stamps[name]: folder.path("semantic", name) for name in names})
            return
        if images > len(names) or (images < len(names) and not breaks_off):
            raise LabelError(
                f"{folder.root} has {len(names)} frames, the recording {images} images, and no stamps tell which "
                f"belong together: name the split or sequence it was made of, {folder.root}:NAME"
            )
        self._by_index = {i: folder.path("semantic", name) for i, name in enumerate(names)}

    def _take_masks(self, root: Path) -> None:
        paths = sorted(root.glob("*.png"))
        if not paths:
            raise LabelError(f"{root} has no dataset.json and no masks NAME.png")
        stamps: dict[int, Path] = {}
        for path in paths:
            found = _INDEX_OR_STAMP.fullmatch(path.stem)
            if found is None:
                raise LabelError(f"{path.name} in {root} is named by no stamp (ns or s.fraction) and no image's number")
            whole, seconds, fraction = found.groups()
            if seconds:
                stamps[int(seconds) * 10**9 + int(fraction.ljust(9, "0"))] = path
            elif len(whole) >= _STAMP_DIGITS:
                stamps[int(whole)] = path
            else:
                self._by_index[int(whole)] = path
        if stamps and self._by_index:
            raise LabelError(f"{root} has masks named by stamps and others named by numbers: name all alike")
        self._take_stamps(stamps)

    def _take_stamps(self, stamps: Mapping[int, Path]) -> None:
        self._stamps = sorted(stamps)
        self._by_stamp = [stamps[stamp] for stamp in self._stamps]


def check_classes(named: Mapping[int, str], classes: Mapping[int, str], model: str) -> None:
    """Make sure that ids of labels mean what they mean to a network, ``classes``, as far as both name them.

    Raises:
        LabelError: an id has another name.
    """
    for class_id in sorted(named.keys() & classes.keys()):
        if named[class_id] != classes[class_id]:
            raise LabelError(
                f"class {class_id} is {named[class_id]!r} in the labels and {classes[class_id]!r} to {model}: "
                "they speak of different classes"
            )


def _one_channel(data: bytes) -> np.ndarray:
    if data.startswith(b"\xff\xd8"):
        raise PictureError("labels as JPEG are not exact: compress them as PNG")
    ids = decode_picture(data, cv2.IMREAD_UNCHANGED)
    if ids.ndim != 2 or ids.dtype != np.uint8:
        raise PictureError(f"labels are one channel of 8 bits, not {ids.dtype} of shape {ids.shape}")
    return ids
