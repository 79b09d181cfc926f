"""Masks, one picture a frame: class ids, or the colours of a ``labelmap.txt`` as CVAT and Pascal VOC have it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from mtl_perception.dataset_folder import DatasetError, DatasetInfo
from mtl_perception.dataset_tools.export_files import ExportFiles
from mtl_perception.dataset_tools.label_source import check_size
from mtl_perception.picture import PictureError, decode_picture

CLASS_FOLDER = "SegmentationClass"
LABEL_MAP = "labelmap.txt"
_BACKGROUND = "background"
_VOID = 255
"""Id that many tools give to what nobody labelled; no class of a data set can have it."""
_PALETTE, _GREY = 3, 0
"""Colour types of the PNG standard (11.2.2)."""


class MaskLabels:
    """The masks of an export; where it has a folder ``SegmentationClass``, as CVAT's has, those in it.

    With colours, a mask's colours name classes, and black or a label ``background`` that the set does not have
    as a class is unlabelled. Without, a mask's values (of a palette PNG its indices) are class ids, and 0 and 255
    are unlabelled.

    Args:
        files: the export.
        classes: id to name of the set's classes.
        colours: a label map in place of the export's own ``labelmap.txt``.

    Raises:
        DatasetError: the label map cannot be read.
    """

    notes = ()

    def __init__(self, files: ExportFiles, classes: Mapping[int, str], colours: Path | None = None) -> None:
        self._files = files
        self.pictures = mask_files(files)
        own = next((name for name in files.names if PurePosixPath(name).name == LABEL_MAP), None)
        self._values: dict[int, int] | None = None
        if colours is not None or own is not None:
            where = colours or files.where(own)
            try:
                text = (colours.read_bytes() if colours else files.read(own)).decode("utf-8")
            except OSError as error:
                raise DatasetError(f"cannot read {where}: {error.strerror}") from error
            except UnicodeDecodeError as error:
                raise DatasetError(f"{where} is no text: {error}") from error
            labels = {rgb: name for name, rgb in parse_label_map(text, where).items()}
            self.names = tuple(labels.values())
            known = set(classes.values())
            self._codes = {
                rgb: 0 if name == _BACKGROUND and name not in known else 1 + i
                for i, (rgb, name) in enumerate(labels.items())
            }
            self._codes.setdefault((0, 0, 0), 0)
        else:
            self.names = tuple(classes.values())
            self._values = {0: 0, _VOID: 0, **{class_id: 1 + i for i, class_id in enumerate(classes)}}

    def read(self, picture: str, info: DatasetInfo) -> np.ndarray:
        """As ``LabelSource`` tells."""
        path = self._files.where(picture)
        data = self._files.read(picture)
        try:
            if self._values is None:
                return self._of_colours(decode_picture(data, cv2.IMREAD_COLOR), path, info)
            return self._of_ids(_ids(data), path, info)
        except PictureError as error:
            raise DatasetError(f"{path}: {error}") from error

    def _of_colours(self, bgr: np.ndarray, path: Path, info: DatasetInfo) -> np.ndarray:
        check_size(str(path), *bgr.shape[:2], info)
        packed = bgr.astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32)
        colours, index = np.unique(packed, return_inverse=True)
        rgb = [(int(c) >> 16, int(c) >> 8 & 255, int(c) & 255) for c in colours]
        unknown = [c for c in rgb if c not in self._codes]
        if unknown:
            raise DatasetError(f"{path}: no label has the colour {unknown[0]}, of {len(unknown)} such colours")
        return np.array([self._codes[c] for c in rgb], np.uint16)[index].reshape(packed.shape)

    def _of_ids(self, ids: np.ndarray, path: Path, info: DatasetInfo) -> np.ndarray:
        check_size(str(path), *ids.shape, info)
        values, index = np.unique(ids, return_inverse=True)
        unknown = [int(v) for v in values if int(v) not in self._values]
        if unknown:
            raise DatasetError(
                f"{path}: dataset.json names no class {unknown[0]}: name it there under classes, as in "
                f'"classes": {{"{unknown[0]}": "table"}}; if values are not class ids, give --colours'
            )
        return np.array([self._values[int(v)] for v in values], np.uint16)[index].reshape(ids.shape)


def mask_files(files: ExportFiles) -> tuple[str, ...]:
    """Names of the masks of an export: every PNG, or those of CVAT's folder where there is one."""
    masks = tuple(name for name in files.names if name.lower().endswith(".png"))
    return tuple(name for name in masks if CLASS_FOLDER in name.split("/")[:-1]) or masks


def parse_label_map(text: str, path: Path) -> dict[str, tuple[int, int, int]]:
    """Name to RGB colour of a label map: lines ``name:r,g,b:parts:actions``, ``#`` begins a remark.

    Where no line has a colour the labels have those of Pascal VOC, in order; else one without labels nothing.

    Raises:
        DatasetError: a line is none such, or names a label or a colour again.
    """
    labels: dict[str, tuple[int, int, int] | None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, *rest = (field.strip() for field in line.split(":"))
        digits = [digit.strip() for digit in rest[0].split(",")] if rest and rest[0] else []
        if not name or not rest or len(digits) not in (0, 3) or not all(d.isdecimal() and int(d) < 256 for d in digits):
            raise DatasetError(f"{path}, line {number}: it is not NAME:RED,GREEN,BLUE::")
        color = (int(digits[0]), int(digits[1]), int(digits[2])) if digits else None
        if name in labels or (color is not None and color in labels.values()):
            raise DatasetError(f"{path}, line {number}: the label or its colour is there already")
        labels[name] = color
    if not any(labels.values()):
        return {name: _voc_color(i) for i, name in enumerate(labels)}
    return {name: color for name, color in labels.items() if color is not None}


def _voc_color(index: int) -> tuple[int, int, int]:
    """The colour of the ``index``-th class of Pascal VOC: its bits in turn, from the highest of each channel down."""
    channels = [0, 0, 0]
    for bit in range(24):
        channels[bit % 3] |= (index >> bit & 1) << (7 - bit // 3)
    return channels[0], channels[1], channels[2]


def _ids(data: bytes) -> np.ndarray:
    """The values of a PNG of one channel, (H, W): of a palette PNG the indices, as no colour is meant.

    Raises:
        PictureError: it is damaged, or of another kind.
    """
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 33:
        raise PictureError("it is no PNG")
    depth, kind = data[24], data[25]
    if kind == _PALETTE:
        return _indices(data, decode_picture(data, cv2.IMREAD_COLOR))
    image = decode_picture(data, cv2.IMREAD_UNCHANGED)
    if kind != _GREY or depth < 8 or image.ndim != 2:
        raise PictureError("a mask of class ids has one channel of 8 or 16 bits; for colours give --colours")
    return image


def _indices(data: bytes, bgr: np.ndarray) -> np.ndarray:
    """Indices into the palette, which OpenCV does not give, from the colours."""
    position, palette = 8, b""
    while position + 8 <= len(data):
        length, chunk = struct.unpack_from(">I4s", data, position)
        if chunk == b"PLTE":
            palette = data[position + 8 : position + 8 + length]
            break
        position += 12 + length
    entries = np.frombuffer(palette[: len(palette) // 3 * 3], np.uint8).reshape(-1, 3).astype(np.uint32)
    weights = np.array([1 << 16, 1 << 8, 1], np.uint32)
    table = entries @ weights
    colours, index = np.unique(bgr.astype(np.uint32) @ weights[::-1], return_inverse=True)
    matches = table[None, :] == colours[:, None]
    if (matches.sum(1) != 1).any():
        raise PictureError("two ids of its palette have one colour: save it as a grey PNG of class ids")
    return matches.argmax(1)[index].reshape(bgr.shape[:2])
