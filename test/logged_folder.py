"""A data set folder as the depth logger leaves it, small enough for unit tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from noise_folder import HEIGHT, WIDTH

from mtl_perception.dataset_folder import DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter

RUN = "rover-20260131T120000-00ff"
OTHER_RUN = "rover-20260131T130000-0abc"
FIRST = 1_770_000_000 * 10**9
"""Stamp of the first frame, ns."""


def header(run: str) -> dict:
    return {
        "run": run,
        "robot": "rover",
        "started": "2026-01-31T12:00:00Z",
        "software": "mtl_perception 0.1.0",
        "rgb_topic": "/rgb",
        "depth_topic": "/depth",
        "frame_id": "rover_eye",
        "rules": {},
    }


def entry(name: str, number: int) -> dict:
    stamp = FIRST + number * 130_000_000
    return {
        "name": name,
        "stamp": stamp,
        "depth_stamp": stamp + 7_000_001,
        "reason": "time",
        "sharpness": 200.5,
        "valid_depth": 1.0,
    }


def write_index(root: Path, run: str, lines: list[dict]) -> Path:
    path = root / "index" / f"{run}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def write_logged(root: Path, runs: tuple[str, ...] = (RUN,), frames: int = 4, **info) -> DatasetFolder:
    """``frames`` frames a run, RUN-000000 and so on, 130 ms apart, depth 7 ms after colour."""
    fields = dict(
        width=WIDTH,
        height=HEIGHT,
        licence="proprietary",
        source="logged by rover",
        intrinsics=Intrinsics(30.0, 31.0, 15.5, 11.5),
        classes={1: "wall", 2: "floor"},
    )
    writer = DatasetWriter(root, DatasetInfo(**{**fields, **info}))
    rng = np.random.default_rng(len(runs))
    for run in runs:
        names = [f"{run}-{i:06d}" for i in range(frames)]
        for name in names:
            depth = rng.uniform(0.5, 60, (HEIGHT, WIDTH))
            writer.write_frame(name, rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8), depth=depth)
        write_index(root, run, [header(run), *(entry(name, i) for i, name in enumerate(names))])
    writer.finish()
    return DatasetFolder(root)
