"""From starting the node to its first depth image, and whether its first frame is as fast as the others."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from bench.camera import FOCAL_LENGTH, HEIGHT, WIDTH, camera_process, node_process
from bench.figure import Figure, Row, median_and_p95, median_and_range, spread
from mtl_perception.deployment.made_frames import made_frames
from mtl_perception.network import WARM_UP_RUNS, Network

_STEADY = 20
"""Frames after the first whose median is the network's usual time."""


def measure(model: Path, out: Path, starts: int = 7) -> dict[str, Any]:
    """Start the node ``starts`` times, and open its network as often with warm-up and without."""
    seconds, first_results, later_results = [], [], []
    with camera_process() as camera:
        for _ in tqdm(range(starts), desc="startup", unit="start", disable=None):
            started = time.monotonic()
            with node_process(model):
                came, latency = camera.first_depth()
                seconds.append(came - started)
                first_results.append(latency)
                camera.connect()
                later_results += camera.send(_STEADY)
    warm, cold = [], []
    for _ in tqdm(range(starts), desc="warm-up", unit="start", disable=None):
        cold.append(_first_and_steady(model, 0))
        warm.append(_first_and_steady(model, WARM_UP_RUNS))
    return {
        "starts": starts,
        "start_to_depth_s": spread(seconds),
        "first_frame_to_depth_ms": spread(first_results),
        "later_frames_to_results_ms": spread(later_results),
        "network_first_ms": spread([first for first, _ in warm]),
        "network_first_without_warm_up_ms": spread([first for first, _ in cold]),
        "network_steady_ms": spread([steady for _, steady in warm + cold]),
    }


def _first_and_steady(model: Path, warm_up_runs: int) -> tuple[float, float]:
    """Milliseconds of the first frame of a newly opened network, and the median of those after it."""
    network = Network(model)
    network.warm_up(warm_up_runs)
    (rgb,) = made_frames(1, HEIGHT, WIDTH)
    times = []
    for _ in range(1 + _STEADY):
        started = time.perf_counter()
        network.predict(rgb, FOCAL_LENGTH)
        times.append((time.perf_counter() - started) * 1e3)
    return times[0], float(np.median(times[1:]))


def rows(values: dict[str, Any]) -> list[Row]:
    """Rows of the table."""
    return [
        Row("start of the process to first depth image", median_and_range(values["start_to_depth_s"], "s")),
        Row("first frame, camera to depth", median_and_range(values["first_frame_to_depth_ms"])),
        Row("later frames, camera to the last result", median_and_p95(values["later_frames_to_results_ms"])),
        Row("network, first frame after warm-up", median_and_range(values["network_first_ms"])),
        Row("network, first frame without warm-up", median_and_range(values["network_first_without_warm_up_ms"])),
        Row("network, later frames", median_and_range(values["network_steady_ms"])),
    ]


FIGURE = Figure(
    "Start to first output",
    "A camera runs at 30 images a second while the node is started in a process of its own, files cached by the "
    "system; medians and ranges over the starts. Below, the network alone, opened anew each time.",
    measure,
    rows,
)
