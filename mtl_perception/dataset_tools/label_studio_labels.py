"""Label Studio's export "Brush labels to PNG": one picture a region, called after task, annotation and label.

A file is ``task-TASK-annotation-ANNOTATION-by-WHO-TAG-LABEL-COUNT.png``; which picture a task shows is only in the
project's other exports, "JSON" and "JSON-MIN".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from mtl_perception.dataset_folder import DatasetError, DatasetInfo
from mtl_perception.dataset_tools.export_files import ExportFiles
from mtl_perception.dataset_tools.label_source import check_size, frames_of
from mtl_perception.dataset_tools.regions import painted
from mtl_perception.picture import PictureError, decode_picture

_FILE = re.compile(r"task-(\d+)-annotation-(\d+)-by-[^-]*-(.+)-\d+\.png")
_HALF = 127
"""Opacity of the brush, of 255, above which a pixel is labelled."""


def brush_files(files: ExportFiles) -> tuple[str, ...]:
    """The files of the export that are regions of Label Studio's brush."""
    return tuple(name for name in files.names if _FILE.fullmatch(PurePosixPath(name).name))


class BrushLabels:
    """Regions of Label Studio's brush; of a task that several people labelled, the latest annotation.

    Args:
        files: the export.
        tasks: JSON value of the project's export "JSON" or "JSON-MIN".
        path: where ``tasks`` comes from.
        frames: names of the frames that there are.
        classes: names of the set's classes, as a file's name has them without slashes.

    Raises:
        DatasetError: ``tasks`` is no such export, or a file is of no label in it.
    """

    def __init__(
        self, files: ExportFiles, tasks: Any, path: Path, frames: Collection[str], classes: Iterable[str]
    ) -> None:
        self._files = files
        pictures, tags = _pictures(tasks, path, frames)
        real = {_in_file_names(name): name for name in classes}
        latest: dict[str, int] = {}
        regions: dict[str, list[tuple[int, str, str]]] = {}
        for name in brush_files(files):
            task, annotation, rest = _FILE.fullmatch(PurePosixPath(name).name).groups()
            tag = next((t for t in sorted(tags, key=len, reverse=True) if rest.startswith(f"{t}-")), None)
            if tag is None:
                raise DatasetError(f"{files.where(name)}: {path} has no tag that it could be of")
            label = rest[len(tag) + 1 :]
            latest[task] = max(latest.get(task, 0), int(annotation))
            regions.setdefault(task, []).append((int(annotation), real.get(label, label), name))
        self.names = tuple(sorted({label for found in regions.values() for _, label, _ in found}))
        codes = {label: 1 + i for i, label in enumerate(self.names)}
        self._regions: dict[str, list[tuple[int, str]]] = {}
        for task, found in regions.items():
            picture = pictures.get(task, f"task {task}")
            if picture in self._regions:
                raise DatasetError(f"{path}: several tasks show {picture!r}")
            self._regions[picture] = [(codes[label], name) for a, label, name in found if a == latest[task]]
        self.pictures = tuple(self._regions)
        older = sum(len(found) for found in regions.values()) - sum(len(found) for found in self._regions.values())
        self.notes = (f"{older} regions of earlier annotations of the same tasks were left out",) if older else ()

    def read(self, picture: str, info: DatasetInfo) -> np.ndarray:
        """As ``LabelSource`` tells."""
        return painted(
            [(code, self._mask(name, info)) for code, name in self._regions[picture]], info.height, info.width
        )

    def _mask(self, name: str, info: DatasetInfo) -> np.ndarray:
        try:
            image = decode_picture(self._files.read(name), cv2.IMREAD_GRAYSCALE)
        except PictureError as error:
            raise DatasetError(f"{self._files.where(name)}: {error}") from error
        check_size(str(self._files.where(name)), *image.shape, info)
        return image > _HALF


def _pictures(tasks: Any, path: Path, frames: Collection[str]) -> tuple[Mapping[str, str], set[str]]:
    """What shows each task, by the task's id as text, and names of the control tags."""
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "id" in task for task in tasks):
        raise DatasetError(f"{path} is no list of tasks: take Label Studio's export JSON or JSON-MIN")
    pictures: dict[str, str] = {}
    tags: set[str] = set()
    for task in tasks:
        data = task["data"] if isinstance(task.get("data"), dict) else task
        texts = [value for value in data.values() if isinstance(value, str)]
        shown = {frame: text for text in texts for frame in frames_of([text], frames, anywhere=True).values()}
        if len(shown) > 1:
            raise DatasetError(f"{path}: task {task['id']} shows several frames: {', '.join(sorted(shown))}")
        pictures.update({str(task["id"]): text for text in shown.values()})
        tags |= {key for key, value in task.items() if isinstance(value, list) and key != "annotations"}
        for annotation in _dicts(task.get("annotations")):
            tags |= {str(result.get("from_name")) for result in _dicts(annotation.get("result"))}
    return pictures, tags


def _dicts(value: Any) -> list[dict]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _in_file_names(label: str) -> str:
    return label.replace("/", "-").replace("\\", "-")
