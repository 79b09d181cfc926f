"""A small data set folder whose every frame has depth, classes and objects: a floor, a wall and two balls before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_perception.dataset_folder import DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter

CLASSES = {1: "wall", 2: "floor", 3: "ball"}
CAMERA = Intrinsics(60.0, 60.0, 31.5, 31.5)
COLORS = np.array([(0, 0, 0), (200, 80, 80), (80, 200, 80), (80, 80, 200)], np.uint8)


def write_complete_folder(root: Path, train: int = 10, val: int = 3, **info) -> DatasetFolder:
    """Frames ``f00``...; the last ``val`` of them are the split val, the others train."""
    rng = np.random.default_rng(0)
    names = [f"f{i:02d}" for i in range(train + val)]
    splits = {"train": names[:train], "val": names[train:]}
    fields = {
        "classes": CLASSES,
        "licence": "CC0-1.0",
        "source": "test",
        "splits": splits,
        "intrinsics": CAMERA,
        **info,
    }
    writer = DatasetWriter(root, DatasetInfo(64, 64, **fields))
    y, x = (np.mgrid[0:64, 0:64] - 31.5) / 60
    for name in names:
        wall, height = rng.uniform(3, 5), rng.uniform(0.8, 1.2)
        floor = height / np.maximum(y, 1e-3)
        depth = np.minimum(wall, floor)
        semantic = np.where(floor < wall, 2, 1).astype(np.uint8)
        instance = np.zeros((64, 64), np.uint8)
        for i, side in enumerate((-1, 1)):
            centre, radius = np.array([side * 0.6, rng.uniform(-0.4, 0.4), 2.2]), rng.uniform(0.3, 0.45)
            a, b = x**2 + y**2 + 1, x * centre[0] + y * centre[1] + centre[2]
            under = b**2 - a * (centre @ centre - radius**2)
            hit = under > 0
            depth = np.where(hit, (b - np.sqrt(np.maximum(under, 0))) / a, depth)
            semantic[hit], instance[hit] = 3, 1 + i
        shade = np.clip(1.4 - depth / 5, 0.3, 1)[..., None]
        rgb = np.clip(COLORS[semantic] * shade + rng.normal(0, 6, (64, 64, 3)), 0, 255).astype(np.uint8)
        writer.write_frame(name, rgb, depth=depth, semantic=semantic, instance=instance)
    writer.finish()
    return DatasetFolder(root)
