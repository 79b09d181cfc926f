"""A small data set folder whose colours tell class and depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_perception.dataset_folder import DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter

CLASSES = {1: "wall", 2: "floor", 3: "ball"}
COLORS = np.array([(0, 0, 0), (200, 80, 80), (80, 200, 80), (80, 80, 200)], np.uint8)


CAMERA = Intrinsics(52.5, 52.5, 32, 24)


def write_folder(root: Path, frames: int = 12, intrinsics: Intrinsics | None = CAMERA, **info) -> DatasetFolder:
    """Frames of wall over floor with a ball; every third lacks depth, every fourth lacks classes."""
    rng = np.random.default_rng(0)
    names = [f"f{i:02d}" for i in range(frames)]
    splits = {"train": names[:-4], "val": names[-4:]}
    fields = {"classes": CLASSES, "licence": "CC0-1.0", "source": "test", "splits": splits, **info}
    writer = DatasetWriter(root, DatasetInfo(width=64, height=48, intrinsics=intrinsics, **fields))
    for i, name in enumerate(names):
        semantic = np.ones((48, 64), np.uint8)
        semantic[rng.integers(20, 30) :] = 2
        y, x = rng.integers(10, 38), rng.integers(10, 54)
        semantic[y - 8 : y + 8, x - 8 : x + 8] = 3
        rgb = np.clip(COLORS[semantic] + rng.normal(0, 8, (48, 64, 3)), 0, 255).astype(np.uint8)
        depth = np.array([0, 4.0, 2.0, 1.0])[semantic]
        writer.write_frame(
            name,
            rgb,
            depth=None if i % 3 == 2 else depth,
            semantic=None if i % 4 == 3 else semantic,
        )
    writer.finish()
    return DatasetFolder(root)
