"""What the node adds to the network: frames through the node against the network alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from bench.camera import FOCAL_LENGTH, FRAMES, HEIGHT, WIDTH
from bench.figure import Figure, Row, median_and_p95, spread
from mtl_perception.backends.choice import Runtime
from mtl_perception.deployment.made_frames import made_frames
from mtl_perception.deployment.timed_node import time_node

GOAL = 1.10
"""Largest ratio of the medians."""


def measure(model: Path, out: Path, pairs: int = 40, frames: int = 20) -> dict[str, Any]:
    """Alternate ``pairs`` blocks of ``frames`` through the node with as many of the network alone."""
    images = made_frames(FRAMES, HEIGHT, WIDTH)
    with tqdm(total=pairs, desc="overhead", unit="pair of blocks", disable=None) as progress:
        times = time_node(model, Runtime(), images, FOCAL_LENGTH, blocks=pairs, block=frames, on_block=progress.update)
    ratios = [float(np.median(n) / np.median(a)) for n, a in zip(times.node, times.alone, strict=True)]
    ratio = float(np.median(times.node) / np.median(times.alone))
    return {
        "frame": f"{WIDTH}x{HEIGHT} rgb8",
        "frames": pairs * frames,
        "network_alone_ms": spread(np.ravel(times.alone)),
        "node_end_to_end_ms": spread(np.ravel(times.node)),
        "camera_to_results_ms": spread(np.ravel(times.camera_to_results)),
        "ratio_of_medians": ratio,
        "ratio_of_block_medians": spread(ratios),
        "added_ms": float(np.median(times.node) - np.median(times.alone)),
        "met": ratio <= GOAL,
    }


def rows(values: dict[str, Any]) -> list[Row]:
    """Rows of the table."""
    blocks = values["ratio_of_block_medians"]
    return [
        Row("network alone (`Network.predict`)", median_and_p95(values["network_alone_ms"])),
        Row("node, from image callback to results published", median_and_p95(values["node_end_to_end_ms"])),
        Row(
            "ratio of the medians",
            f"{values['ratio_of_medians']:.3f} ({blocks['min']:.3f} to {blocks['max']:.3f} over the blocks), "
            f"{values['added_ms']:+.2f} ms",
            f"at most {GOAL:.2f}",
            values["met"],
        ),
        Row("camera's process to the last result back there, over DDS", median_and_p95(values["camera_to_results_ms"])),
    ]


FIGURE = Figure(
    "What the node adds to the network",
    f"Blocks of {WIDTH}x{HEIGHT} frames through the node alternate with the same frames through its network alone, "
    "in one process; both resize where the network's input is of another size. The camera is another process; it "
    "subscribes to depth, segmentation and confidence and sends a frame when all results of the one before are back.",
    measure,
    rows,
)
