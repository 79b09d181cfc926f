"""A data set folder of noise, small enough for unit tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_perception.dataset_folder import DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter

HEIGHT, WIDTH = 24, 32


def write_dataset(root: Path, *, jpeg_quality: int | None = 95, **info) -> DatasetFolder:
    """Four frames, ``a0`` to ``a3``, with depth on all but the last; ``info`` changes what dataset.json says."""
    names = [f"a{i}" for i in range(4)]
    fields = dict(
        width=WIDTH,
        height=HEIGHT,
        licence="CC0-1.0",
        source="made up",
        intrinsics=Intrinsics(30.0, 31.0, 15.5, 11.5),
        classes={1: "wall", 2: "floor"},
        splits={"train": names[:3], "val": names[3:]},
        sequences={"walk": names[1:3]},
        rate_hz=20.0,
    )
    writer = DatasetWriter(root, DatasetInfo(**{**fields, **info}))
    rng = np.random.default_rng(0)
    for i, name in enumerate(names):
        depth = rng.uniform(0.5, 70, (HEIGHT, WIDTH)) if i < 3 else None
        rgb = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        writer.write_frame(name, rgb, depth=depth, jpeg_quality=jpeg_quality)
    writer.finish()
    return DatasetFolder(root)
