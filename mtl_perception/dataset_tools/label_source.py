"""What every kind of labels that can be imported is, and whose frame a picture of an export is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import unquote

import numpy as np

from mtl_perception.dataset_folder import DatasetError, DatasetInfo
from mtl_perception.dataset_tools.export_files import leads_out

_UPLOAD_PREFIX = re.compile(r"[0-9a-f]{8}-(.+)")
"""Label Studio puts eight digits of its own before the name of an uploaded picture."""


class LabelSource(Protocol):
    """Labels of some pictures.

    Attributes:
        pictures: what the pictures are called in the export.
        names: names of classes.
        notes: what was left out, to be told.
    """

    pictures: Sequence[str]
    names: Sequence[str]
    notes: Sequence[str]

    def read(self, picture: str, info: DatasetInfo) -> np.ndarray:
        """Labels of one of ``pictures``: (H, W) uint16, 0 unlabelled, else 1 + index of ``names``.

        Raises:
            DatasetError: they are damaged, or of a picture of another size than ``info`` says.
        """
        ...


def frames_of(pictures: Sequence[str], frames: Collection[str], *, anywhere: bool = False) -> Mapping[str, str]:
    """The frame each of ``pictures`` shows, by picture; pictures of no frame are left out.

    Only the last part of a picture's path counts, without its suffix, and no path is ever opened.

    Args:
        pictures: paths or URLs within an export.
        frames: names of the frames that there are.
        anywhere: the export is known to name pictures by where a server keeps them; else a path that leads
            out of the export is refused.

    Raises:
        DatasetError: a path leads out of the export, or two pictures show one frame.
    """
    found: dict[str, str] = {}
    for picture in pictures:
        if not anywhere and leads_out(picture):
            raise DatasetError(f"the picture {picture!r} is said to lie outside of the export")
        last = PurePosixPath(unquote(picture).replace("\\", "/")).name
        stem = PurePosixPath(last).stem
        uploaded = _UPLOAD_PREFIX.fullmatch(stem)
        if stem not in frames and uploaded:
            stem = uploaded[1]
        if stem in frames:
            if stem in found.values():
                raise DatasetError(f"frame {stem} is labelled twice, the second time as {picture!r}")
            found[picture] = stem
    return found


def check_size(what: str, height: int, width: int, info: DatasetInfo) -> None:
    """See that ``what`` is of the set's size.

    Raises:
        DatasetError: it is not.
    """
    if (height, width) != (info.height, info.width):
        raise DatasetError(f"{what} is {width}x{height}, the set is {info.width}x{info.height}")
