"""Pseudo-labels on disk: what a teacher, or labelled views of the same place, wrote for the frames of a data set.

They lie beside the data, or in any other folder, so that those of several teachers can live side by side::

    pseudo_labels.json          teacher, thresholds, data set, classes
    pseudo_semantic/NAME.png    uint8, the most likely class, 0 where views say nothing
    confidence/NAME.png         uint8, 255 times its softmax, or its share of the views' votes
    pseudo_depth/NAME.png       uint16, depth_per_metre units a metre
    depth_confidence/NAME.png   uint8, 255 times (1 - relative difference to the depth of the mirrored picture)
    soft_semantic/NAME.npz      its probabilities of all classes, float16, four times as coarse as it saw the frame
    pseudo_normals/NAME.png     uint8, 127.5 times (1 + x, 1 + y, 1 + z) of the camera's axes, red first
    normals_confidence/NAME.png uint8, 255 times the cosine of the angle to those of the mirrored picture, or 0
    pseudo_edges/NAME.png       uint8, 254 times the probability of an edge
    pseudo_offsets/NAME.npz     float16, pixels right and down to the centre of the object, at every pixel
    offsets_confidence/NAME.png uint8, 255 times (1 - distance to those of the mirrored picture in widths of the frame)

The files hold every pixel; what is not confident enough by the thresholds of ``pseudo_labels.json`` is
unlabelled for whoever reads it here. So a teacher's work outlives a change of mind about the threshold.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetFolder, check_name
from mtl_perception.depth_units import depth_units
from mtl_perception.json_file import write_json
from mtl_perception.model_card import TrainingData
from training.datasets.array_file import read_array
from training.datasets.derived.edges import EDGE_CERTAIN, UNKNOWN_EDGE
from training.trained_on import budget_by_data

DESCRIPTION = "pseudo_labels.json"
DEFAULT_TAU = 0.9
"""The paper's threshold."""
TAU_END = 254.5 / 255
"""A threshold from here on is 1 to a confidence of 255 steps."""
FILES = {
    "semantic": ("pseudo_semantic", ".png"),
    "confidence": ("confidence", ".png"),
    "depth": ("pseudo_depth", ".png"),
    "depth_confidence": ("depth_confidence", ".png"),
    "soft_semantic": ("soft_semantic", ".npz"),
    "normals": ("pseudo_normals", ".png"),
    "normals_confidence": ("normals_confidence", ".png"),
    "edges": ("pseudo_edges", ".png"),
    "offsets": ("pseudo_offsets", ".npz"),
    "offsets_confidence": ("offsets_confidence", ".png"),
}
"""Folder and suffix of each kind; the depth logger knows the folders too."""
_ARRAYS = {"soft_semantic": "probabilities", "offsets": "offsets"}
"""Kinds that are no pictures, and what their arrays are called."""


@dataclass(frozen=True)
class PseudoInfo:
    """What ``pseudo_labels.json`` holds.

    Attributes:
        dataset: name of the data set's folder.
        teacher: the checkpoint that made them, as it was named; of several all, in their order; or in words what did.
        teacher_sha256: of that file, or of what labelled; of several the digest of theirs, in hexadecimal behind one
            another.
        training_data: what the teacher was trained on; its licences bind a student of it too.
        tasks: what was labelled.
        tau: a class is kept where its softmax is larger; edge or no edge where its probability is.
        agreement: depth is kept where it differs relatively from that of the mirrored picture by no more; normals where
            1 - cosine of the angle between the two is no more (0.05: 18 degrees); offsets where the two end no farther
            apart, in widths of the frame.
        width, height: pixels of every map.
        classes: highest class id.
        depth_per_metre: units of the depth files per metre.
        soft: whether probabilities are written too.
        budget: digest of the label budget of ``dataset`` that it was labelled within; None: every label there is.
        scales: sizes of the frame, each also mirrored, over which its probabilities are the mean; empty: the frame
            at the teacher's working size alone.
        budgets: digest of the label budget the teacher learnt within, by data set, of those it learnt with one; None:
            written before they were told.
    """

    dataset: str
    teacher: str
    teacher_sha256: str
    training_data: tuple[TrainingData, ...]
    tasks: tuple[str, ...]
    tau: float
    agreement: float
    width: int
    height: int
    classes: int
    depth_per_metre: float
    soft: bool
    budget: str | None = None
    scales: tuple[float, ...] = ()
    budgets: Mapping[str, str] | None = None

    @property
    def learnt_within(self) -> dict[str, str | None]:
        """Digest of the label budget by data set, of all that the teacher was trained on; None: every label there is.

        Of what was written before budgets were told it is known of the data set labelled only, as no teacher writes
        within a budget that it did not learn within.
        """
        told = self.budgets if self.budgets is not None else {self.dataset: self.budget}
        return budget_by_data(self.training_data, told)

    @classmethod
    def from_json(cls, text: str) -> PseudoInfo:
        """Read it.

        Raises:
            DatasetError: it is no such description.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            trained_on = tuple(TrainingData(**entry) for entry in data["training_data"])
            scales = tuple(float(scale) for scale in data.get("scales", ()))
            budgets = None if data.get("budgets") is None else dict(data["budgets"])
            read = {"tasks": tuple(data["tasks"]), "training_data": trained_on, "scales": scales, "budgets": budgets}
            return cls(**{**data, **read})
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DatasetError(f"it does not describe pseudo-labels: {error}") from error


class PseudoFolder:
    """Pseudo-labels of one teacher, or of several together, read and written; a file is whole or not there.

    Raises:
        DatasetError: ``root`` holds no pseudo-labels; also raised by the readers for a damaged file.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        path = self.root / DESCRIPTION
        try:
            self.info = PseudoInfo.from_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DatasetError(f"{self.root} holds no pseudo-labels: cannot read {path}: {error.strerror}") from error
        except (DatasetError, UnicodeDecodeError) as error:
            raise DatasetError(f"{path}: {error}") from error

    @classmethod
    def create(cls, root: str | os.PathLike[str], info: PseudoInfo) -> PseudoFolder:
        """Begin a folder of pseudo-labels, or go on with one of the same teachers.

        Other thresholds take the place of those it had: the files hold every pixel, and stay.

        Raises:
            DatasetError: it holds those of other teachers, or of other data.
        """
        root = Path(root)
        if (root / DESCRIPTION).exists():
            begun = cls(root).info
            # The teacher's file may have moved; and what it learnt within may not have been told.
            moved = {"teacher": info.teacher, "budgets": info.budgets}
            same = replace(begun, **moved, tau=info.tau, agreement=info.agreement)
            if differ := [f.name for f in fields(info) if getattr(same, f.name) != getattr(info, f.name)]:
                raise DatasetError(
                    f"{root} holds pseudo-labels made otherwise ({', '.join(differ)} differ): choose another folder"
                )
        write_json(root / DESCRIPTION, asdict(info))
        return cls(root)

    def check(self, folder: DatasetFolder, classes: int) -> None:
        """Make sure that the maps are of the size of ``folder``'s frames and of so many classes.

        Raises:
            DatasetError: they are not; the data set was made anew since, or the teacher learnt from other data.
        """
        if (self.info.width, self.info.height) != (folder.info.width, folder.info.height):
            raise DatasetError(
                f"{self.root} holds pseudo-labels of {self.info.width}x{self.info.height} pixels, the frames of "
                f"{folder.root} have {folder.info.width}x{folder.info.height}: label them anew"
            )
        if "semantic" in self.info.tasks and self.info.classes != classes:
            raise DatasetError(
                f"{self.root} holds pseudo-labels of {self.info.classes} classes, the training has {classes}: "
                "label its frames anew by a teacher of the same classes"
            )

    def path(self, kind: str, name: str) -> Path:
        """Where the frame's file of a kind (a key of ``FILES``) is or would be."""
        folder, suffix = FILES[kind]
        return self.root / folder / f"{check_name(name)}{suffix}"

    def has(self, kind: str, name: str) -> bool:
        """Whether the frame has such a file."""
        return self.path(kind, name).exists()

    def read_semantic(self, name: str, least: np.ndarray | None = None) -> np.ndarray:
        """(H, W) uint8 class ids, 0 where the softmax is not above tau; or below ``least`` (``least_by_rank``)."""
        semantic = self.read_whole("semantic", name)
        if least is None:
            return np.where(self.confident("semantic", name), semantic, np.uint8(0))
        return np.where(self.read_whole("confidence", name) >= least[semantic], semantic, np.uint8(0))

    def least_by_rank(self, names: Sequence[str], share: float) -> np.ndarray:
        """(N + 1,) uint8: the least confidence that keeps ``share`` of the pixels of each class, the surest first.

        One threshold for all classes keeps the easy ones (Zou et al. 2018, class-balanced self-training).

        Args:
            names: frames to rank together; those without pseudo-labels are passed over.
            share: 0 to 1.
        """
        counts = np.zeros((self.info.classes + 1, 256), np.int64)
        for name in names:
            if self.has("semantic", name):
                np.add.at(counts, (self.read_whole("semantic", name), self.read_whole("confidence", name)), 1)
        # Of each class and confidence, how many pixels are as sure or surer.
        surer = counts[:, ::-1].cumsum(1)[:, ::-1]
        enough = surer >= share * surer[:, :1]
        return (enough.sum(1) - 1).clip(0).astype(np.uint8)

    def read_depth(self, name: str) -> np.ndarray:
        """(H, W) float32 metres, 0 where it does not agree with the mirrored picture's."""
        return np.where(self.confident("depth", name), self.read_whole("depth", name), np.float32(0))

    def confident(self, task: str, name: str) -> np.ndarray:
        """(H, W) bool: which pixels of a task are kept as labels."""
        if task == "semantic":
            return self.read_whole("confidence", name) > 255 * self.info.tau
        if task == "edges":
            level = self.read_whole("edges", name)
            return np.maximum(level, EDGE_CERTAIN - level) > EDGE_CERTAIN * self.info.tau
        return self.read_whole(f"{task}_confidence", name) >= 255 * (1 - self.info.agreement)

    def read_normals(self, name: str) -> np.ndarray:
        """(H, W, 3) float32 unit normals, 0 where they do not agree with the mirrored picture's."""
        return np.where(self.confident("normals", name)[..., None], self.read_whole("normals", name), np.float32(0))

    def read_edges(self, name: str, soft: bool) -> np.ndarray:
        """(H, W) uint8, 254 times the probability; unless ``soft`` 0 or 254, and 255 where it is not above tau."""
        level = self.read_whole("edges", name)
        hard = np.where(level > EDGE_CERTAIN // 2, np.uint8(EDGE_CERTAIN), np.uint8(0))
        return level if soft else np.where(self.confident("edges", name), hard, np.uint8(UNKNOWN_EDGE))

    def read_offsets(self, name: str) -> np.ndarray:
        """(H, W, 2) float32 pixels, NaN where they do not agree with the mirrored picture's."""
        return np.where(self.confident("offsets", name)[..., None], self.read_whole("offsets", name), np.float32("nan"))

    def read_whole(self, kind: str, name: str) -> np.ndarray:
        """Every pixel of ``semantic`` (uint8 ids), ``depth`` (float32 metres), ``edges`` or a confidence (both uint8).

        Or of ``normals`` (H, W, 3) and ``offsets`` (H, W, 2), float32.
        """
        if kind == "normals":
            vectors = self._read_png(kind, name, np.uint8, 3)[..., ::-1].astype(np.float32) / np.float32(127.5) - 1
            return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
        if kind == "offsets":
            return self._read_npz(kind, name, (self.info.height, self.info.width, 2)).astype(np.float32)
        if kind == "depth":
            return self._read_png(kind, name, np.uint16).astype(np.float32) / np.float32(self.info.depth_per_metre)
        image = self._read_png(kind, name, np.uint8)
        if kind == "semantic" and image.max(initial=0) > self.info.classes:
            raise DatasetError(f"{self.path(kind, name)} holds class id {image.max()} of {self.info.classes}")
        return image

    def read_soft_semantic(self, name: str) -> np.ndarray:
        """(h, w, N) float16 probabilities of the classes 1..N."""
        return self._read_npz("soft_semantic", name, (None, None, self.info.classes))

    def write(self, kind: str, name: str, array: np.ndarray) -> None:
        """Write a frame's map: as ``read_whole`` gives it, metres, unit vectors and pixels as floats."""
        if kind in _ARRAYS:
            buffer = io.BytesIO()
            np.savez_compressed(buffer, **{_ARRAYS[kind]: array.astype(np.float16)})
            content = buffer.getvalue()
        else:
            if kind == "depth":
                array = depth_units(array, self.info.depth_per_metre)
            if kind == "normals":
                array = np.rint((array[..., ::-1] + 1) * 127.5).astype(np.uint8)
            content = cv2.imencode(".png", array)[1].tobytes()
        write_atomically(self.path(kind, name), content)

    def _read_npz(self, kind: str, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """A map of float16; None in ``shape`` is any length up to the frame's."""
        return read_array(self.path(kind, name), _ARRAYS[kind], shape, (self.info.height, self.info.width))

    def _read_png(self, kind: str, name: str, dtype: type, channels: int = 1) -> np.ndarray:
        path = self.path(kind, name)
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        size = (self.info.height, self.info.width, *([channels] if channels > 1 else []))
        if image is None or image.dtype != dtype or image.shape != size:
            found = "damaged or no image" if image is None else f"{image.dtype} of shape {image.shape}"
            raise DatasetError(f"{path} is {found}, not {np.dtype(dtype).name} of {'x'.join(map(str, size))}")
        return image
