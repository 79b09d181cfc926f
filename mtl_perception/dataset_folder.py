"""The on-disk data set: its layout, its ``dataset.json``, and reading (``dataset_writer`` writes it).

One layout serves robot logs, rendered rooms and converted public data::

    dataset.json            sizes, intrinsics, classes, splits, sequences, licence, source
    rgb/NAME.jpg|png        8-bit colour
    depth/NAME.png          uint16, 0 = no return, depth_per_metre units a metre
    semantic/NAME.png       uint8 class ids, 0 = unlabelled
    instance/NAME.png       uint8 or uint16 object ids, 0 = no object
    pose/NAME.txt           4x4 camera-to-world, metres; camera axes x right, y down, z forward

Any folder but ``rgb`` may lack frames: such a frame simply has no label of that kind.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mtl_perception.picture import PictureError, decode_picture

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RGB_SUFFIXES = (".jpg", ".png")
_SUFFIX = {"depth": ".png", "semantic": ".png", "instance": ".png", "pose": ".txt"}


class DatasetError(ValueError):
    """A data set folder, or a file in it, is missing or is not what the layout says."""


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera: focal lengths and principal point in pixels of the stored image."""

    fx: float
    fy: float
    cx: float
    cy: float

    def matrix(self) -> np.ndarray:
        """The 3x3 camera matrix, float64."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])


@dataclass(frozen=True)
class DatasetInfo:
    """What ``dataset.json`` holds.

    Attributes:
        width, height: pixels of every frame.
        licence: terms the data came under; a network trained on it names them in its card.
        source: where the data came from.
        intrinsics: the camera, or None when unknown.
        depth_per_metre: units of the depth files per metre.
        classes: class id (1..254) to name.
        splits: split name to frame names.
        sequences: sequence name to its frame names in time order.
        rate_hz: frames a second within a sequence, or None when frames are unrelated.
    """

    width: int
    height: int
    licence: str
    source: str
    intrinsics: Intrinsics | None = None
    depth_per_metre: float = 1000.0
    classes: Mapping[int, str] = field(default_factory=dict)
    splits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sequences: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rate_hz: float | None = None

    def to_json(self) -> str:
        """The text of ``dataset.json``."""
        data: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "intrinsics": vars(self.intrinsics) if self.intrinsics else None,
            "depth_per_metre": self.depth_per_metre,
            "classes": {str(i): name for i, name in self.classes.items()},
            "licence": self.licence,
            "source": self.source,
            "splits": {k: list(v) for k, v in self.splits.items()},
            "sequences": {k: list(v) for k, v in self.sequences.items()},
        }
        if self.rate_hz is not None:
            data["rate_hz"] = self.rate_hz
        return json.dumps(data, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> DatasetInfo:
        """Read ``dataset.json``; unknown keys are left alone.

        Raises:
            DatasetError: it is not JSON, or a field is missing or makes no sense.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
            raise DatasetError(f"it is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise DatasetError("it is not a JSON object")
        try:
            camera = data.get("intrinsics")
            info = cls(
                width=int(data["width"]),
                height=int(data["height"]),
                licence=str(data["licence"]),
                source=str(data["source"]),
                intrinsics=_intrinsics(camera) if camera else None,
                depth_per_metre=float(data.get("depth_per_metre", 1000)),
                classes={int(i): str(name) for i, name in data.get("classes", {}).items()},
                splits={k: tuple(v) for k, v in data.get("splits", {}).items()},
                sequences={k: tuple(v) for k, v in data.get("sequences", {}).items()},
                rate_hz=float(data["rate_hz"]) if data.get("rate_hz") else None,
            )
        except KeyError as error:
            raise DatasetError(f"it lacks {error}") from error
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DatasetError(f"a field has a wrong type: {error}") from error
        if info.intrinsics is not None and min(info.intrinsics.fx, info.intrinsics.fy) <= 0:
            raise DatasetError(
                f"intrinsics have fx {info.intrinsics.fx:g}, fy {info.intrinsics.fy:g}: focal lengths are pixels above "
                "0; where the camera is unknown, intrinsics are null"
            )
        if info.width <= 0 or info.height <= 0 or not 0 < info.depth_per_metre < float("inf"):
            raise DatasetError("width, height and depth_per_metre must be positive and finite")
        for key in ("splits", "sequences"):
            if any(not isinstance(names, list) for names in data.get(key, {}).values()):
                raise DatasetError(f"{key} must hold lists of frame names")
        if any(not 0 < i < 255 for i in info.classes):
            raise DatasetError("class ids must be 1..254")
        for names in (*info.splits.values(), *info.sequences.values()):
            for name in names:
                check_name(name)
        return info


@dataclass(frozen=True)
class Box:
    """An object's bounds, pixels, upper ends exclusive, with its object id and class id."""

    instance: int
    class_id: int
    x0: int
    y0: int
    x1: int
    y1: int


def _intrinsics(camera: Mapping[str, Any]) -> Intrinsics:
    """The camera of ``dataset.json``.

    Raises:
        TypeError, ValueError, OverflowError: it is not of four finite numbers.
    """
    for key, value in camera.items():
        # Text and truth values become floats too, and of NaN depth would be NaN everywhere.
        if isinstance(value, (bool, str)) or not math.isfinite(value):
            raise ValueError(f"intrinsics have {key} {value!r}, not a finite number")
    return Intrinsics(**{key: float(value) for key, value in camera.items()})


def check_name(name: Any) -> str:
    """Return ``name`` if it can name a frame, so that no path leaves the folder.

    Raises:
        DatasetError: it holds a slash, begins with a dot, or is not text.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DatasetError(f"{name!r} cannot name a frame: letters, digits, '.', '_' and '-' only")
    return name


class DatasetFolder:
    """Read access to a data set folder.

    Raises:
        DatasetError: there is no folder or no sound ``dataset.json``; also raised by the readers
            for a file that is missing, damaged or of the wrong kind or size.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        path = self.root / "dataset.json"
        try:
            self.info = DatasetInfo.from_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DatasetError(f"{self.root} is no data set folder: cannot read {path}: {error.strerror}") from error
        except (DatasetError, UnicodeDecodeError) as error:
            raise DatasetError(f"{path}: {error}") from error

    @property
    def name(self) -> str:
        """What the data set is called: its folder's name, also where it was opened as ``.``."""
        return Path(os.path.abspath(self.root)).name

    def names(self, split: str | None = None) -> list[str]:
        """Frame names of ``split``, or of every frame with a colour image, sorted."""
        if split is None:
            # One frame may have both suffixes, and some systems leave hidden files beside the images.
            files = (p for p in (self.root / "rgb").glob("*") if p.suffix in _RGB_SUFFIXES)
            return sorted({p.stem for p in files if _NAME.fullmatch(p.stem)})
        if split not in self.info.splits:
            known = ", ".join(self.info.splits) or "none"
            raise DatasetError(f"{self.root} has no split {split!r}; it has: {known}")
        return list(self.info.splits[split])

    def path(self, kind: str, name: str) -> Path:
        """Where the frame's file of ``kind`` (``"rgb"``, ``"depth"``, ...) is or would be."""
        stem = self.root / kind / check_name(name)
        if kind != "rgb":
            return stem.with_name(name + _SUFFIX[kind])
        candidates = [stem.with_name(name + suffix) for suffix in _RGB_SUFFIXES]
        return next((p for p in candidates if p.exists()), candidates[0])

    def has(self, kind: str, name: str) -> bool:
        """Whether the frame carries a file of ``kind``."""
        return self.path(kind, name).exists()

    def read_rgb(self, name: str) -> np.ndarray:
        """Colour image, (H, W, 3) uint8 RGB."""
        return cv2.cvtColor(self._read_image("rgb", name, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

    def read_depth(self, name: str) -> np.ndarray:
        """Depth along the optical axis, (H, W) float32 metres, 0 = unknown."""
        raw = self._read_image("depth", name, cv2.IMREAD_UNCHANGED)
        self._check_kind(raw, (np.uint16,), "depth", name)
        return raw.astype(np.float32) / np.float32(self.info.depth_per_metre)

    def read_semantic(self, name: str) -> np.ndarray:
        """Class ids, (H, W) uint8, 0 = unlabelled."""
        raw = self._read_image("semantic", name, cv2.IMREAD_UNCHANGED)
        self._check_kind(raw, (np.uint8,), "semantic", name)
        return raw

    def read_instance(self, name: str) -> np.ndarray:
        """Object ids, (H, W) uint8 or uint16, 0 = no object."""
        raw = self._read_image("instance", name, cv2.IMREAD_UNCHANGED)
        self._check_kind(raw, (np.uint8, np.uint16), "instance", name)
        return raw

    def read_pose(self, name: str) -> np.ndarray:
        """Camera-to-world transform, (4, 4) float64, metres."""
        path = self.path("pose", name)
        try:
            pose = np.loadtxt(path)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: {error}") from error
        if pose.shape != (4, 4) or not np.isfinite(pose).all():
            raise DatasetError(f"{path}: a pose is 4 rows of 4 numbers")
        return pose

    def boxes(self, name: str) -> list[Box]:
        """Bounds of every object of the instance map, with the class most of its pixels have."""
        instance, semantic = self.read_instance(name), self.read_semantic(name)
        boxes = []
        for i in np.unique(instance[instance > 0]):
            rows, cols = np.nonzero(instance == i)
            class_id = int(np.bincount(semantic[rows, cols]).argmax())
            boxes.append(
                Box(int(i), class_id, int(cols.min()), int(rows.min()), int(cols.max()) + 1, int(rows.max()) + 1)
            )
        return boxes

    def _read_image(self, kind: str, name: str, flags: int) -> np.ndarray:
        path = self.path(kind, name)
        try:
            image = decode_picture(path.read_bytes(), flags)
        except FileNotFoundError as error:
            raise DatasetError(f"{path} is not there: frame {name} has no {kind}") from error
        except OSError as error:
            raise DatasetError(f"cannot read {path}: {error.strerror}") from error
        except PictureError as error:
            raise DatasetError(f"{path}: {error}") from error
        if image.shape[:2] != (self.info.height, self.info.width):
            raise DatasetError(
                f"{path} is {image.shape[1]}x{image.shape[0]}, dataset.json says {self.info.width}x{self.info.height}"
            )
        return image

    def _check_kind(self, image: np.ndarray, dtypes: tuple[type, ...], kind: str, name: str) -> None:
        if image.ndim != 2 or image.dtype not in dtypes:
            wanted = " or ".join(np.dtype(d).name for d in dtypes)
            raise DatasetError(
                f"{self.path(kind, name)} is {image.dtype} of shape {image.shape}, not one channel of {wanted}"
            )
