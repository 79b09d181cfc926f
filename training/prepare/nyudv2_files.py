"""The official files of NYU Depth v2: the labelled frames, their split, and the 40 classes.

``nyu_depth_v2_labeled.mat`` is MATLAB 7.3, which is HDF5 with every array transposed; ``splits.mat`` and
``classMapping40.mat`` are MATLAB 5.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

from mtl_perception.dataset_folder import DatasetError
from training.rooms.classes import NYU40

HEIGHT, WIDTH = 480, 640
# The authors' file spells one name in its own way.
_OUR_SPELLING = {"refridgerator": "refrigerator"}


class LabelledFrames:
    """``nyu_depth_v2_labeled.mat``, read a frame at a time: whole it is 3 GB, and more when unpacked.

    Attributes:
        label_names: what label 1, 2, ... means; 0 is unlabelled.

    Raises:
        DatasetError: the file is missing, damaged or something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = h5py.File(path, "r")
        except FileNotFoundError:
            raise DatasetError(f"{path} is missing") from None
        except OSError as error:
            reason = str(error).partition("(")[2].rstrip(")") or error
            raise DatasetError(f"{path} is damaged or no MATLAB 7.3 file: {reason}") from error
        for key, per_frame in (
            ("images", (3, WIDTH, HEIGHT)),
            ("depths", (WIDTH, HEIGHT)),
            ("rawDepths", (WIDTH, HEIGHT)),
            ("labels", (WIDTH, HEIGHT)),
        ):
            if key not in self._file:
                raise DatasetError(f"{path} lacks {key!r}: is it the labelled data set?")
            shape = self._file[key].shape
            if shape != (self._file["images"].shape[0], *per_frame):
                raise DatasetError(
                    f"{path}: {key!r} has shape {shape}, not {len(self)} frames of {WIDTH}x{HEIGHT}, transposed"
                )
        if "names" not in self._file:
            raise DatasetError(f"{path} lacks 'names': is it the labelled data set?")
        self.label_names = self._names()

    def __len__(self) -> int:
        return int(self._file["images"].shape[0])

    def read(self, key: str, index: int) -> np.ndarray:
        """One frame of ``key``, rows first: (480, 640), or (480, 640, 3) of ``images``.

        Raises:
            DatasetError: the file is damaged there.
        """
        try:
            return np.ascontiguousarray(self._file[key][index].T)
        except OSError as error:
            raise DatasetError(f"{self.path} is damaged: {key!r} of frame {index + 1} cannot be read") from error

    def _names(self) -> list[str]:
        """The cell array ``names``: references to arrays of UTF-16 characters."""
        try:
            references = self._file["names"][()].ravel()
            return [self._file[reference][()].astype("<u2").tobytes().decode("utf-16-le") for reference in references]
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DatasetError(f"{self.path}: 'names' is no list of names") from error


def read_splits(path: Path, count: int) -> dict[str, list[int]]:
    """The official splits ``train`` and ``test`` as numbers of frames, counted from 1, ascending.

    Args:
        path: ``splits.mat``.
        count: frames that there are.

    Raises:
        DatasetError: the file is missing, damaged or something else, or does not put every frame into one split.
    """
    data = _load(path)
    splits = {}
    for split, key in (("train", "trainNdxs"), ("test", "testNdxs")):
        if key not in data:
            raise DatasetError(f"{path} lacks {key!r}: is it the split of NYU Depth v2?")
        splits[split] = sorted(int(i) for i in np.ravel(data[key]))
    if sorted(splits["train"] + splits["test"]) != list(range(1, count + 1)):
        raise DatasetError(f"{path} does not put each of the {count} frames into one of the splits train and test")
    return splits


def read_class_mapping(path: Path, label_names: list[str]) -> np.ndarray:
    """Which of the 40 classes each label is.

    Args:
        path: ``classMapping40.mat``.
        label_names: those of the labelled frames, which the mapping must be for.

    Returns:
        (1 + number of labels,) uint8; entry 0 is 0.

    Raises:
        DatasetError: the file is missing, damaged or something else, or for other labels or classes.
    """
    data = _load(path)
    for key in ("mapClass", "allClassName", "className"):
        if key not in data:
            raise DatasetError(f"{path} lacks {key!r}: is it the mapping to 40 classes?")
    names, classes = _strings(data["allClassName"]), _strings(data["className"])
    if [_OUR_SPELLING.get(name, name) for name in classes] != list(NYU40.values()):
        raise DatasetError(f"{path}: 'className' does not name the 40 classes of NYU Depth v2")
    if names != label_names:
        i = next((i for i, (a, b) in enumerate(zip(names, label_names, strict=False)) if a != b), None)
        what = f"{len(names)} labels, the frames {len(label_names)}"
        if i is not None:
            what = f"label {i + 1} as {names[i]!r}, the frames as {label_names[i]!r}"
        raise DatasetError(f"{path} is for other labels: it has {what}")
    mapping = np.ravel(data["mapClass"])
    if len(mapping) != len(names) or not np.isin(mapping, list(NYU40)).all():
        raise DatasetError(f"{path}: 'mapClass' does not give each of the {len(names)} labels a class of 1..40")
    return np.concatenate([[0], mapping]).astype(np.uint8)


def _strings(cells: np.ndarray) -> list[str]:
    """A MATLAB cell array of strings."""
    return ["".join(map(str, np.ravel(cell))) for cell in np.ravel(cells)]


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    try:
        return scipy.io.loadmat(path)
    except Exception as error:  # Of a damaged file SciPy raises what its parser ran into, of any type.
        raise DatasetError(f"{path} is damaged or no MATLAB 5 file: {error}") from error
