"""A data set folder of one frame, and what tests of the folder's reader and writer ask of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from noise_folder import HEIGHT, WIDTH

from mtl_perception.dataset_folder import DatasetFolder, DatasetInfo
from mtl_perception.dataset_writer import DatasetWriter

IMPOSSIBLE_NAMES = ["../a", "a/b", "/etc/passwd", "..", ".hidden", "", "a\\b", "a\n", "a\0", "é", None, 3]


def info(height: int = HEIGHT, width: int = WIDTH, **fields) -> DatasetInfo:
    return DatasetInfo(width=width, height=height, licence="CC0-1.0", source="made up", **fields)


def black(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def files(root: Path) -> set[str]:
    """Every file below ``root``, hidden ones too."""
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def write_one(root: Path, **frame) -> DatasetFolder:
    writer = DatasetWriter(root, info())
    writer.write_frame("a", **{"rgb": black(), **frame})
    writer.finish()
    return DatasetFolder(root)
