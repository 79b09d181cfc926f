"""How the node's memory grows, or rather does not, over many frames."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
from tqdm import tqdm

from bench.camera import HEIGHT, WIDTH, camera_process, node_process
from bench.figure import Figure, Row

GOAL = 0.05
"""Most by which the largest sample may be above the smallest, once settled."""
_SETTLED = 500
"""Frames after which memory should have its final size."""
_PICTURE = "memory.png"


def measure(model: Path, out: Path, frames: int = 5000, every: int = 20, limit: float = 240.0) -> dict[str, Any]:
    """Send up to ``frames`` within ``limit`` seconds, and read the resident memory after ``every`` so many."""
    samples: list[tuple[int, float]] = []
    with (
        camera_process() as camera,
        node_process(model) as node,
        tqdm(total=frames, desc="memory", unit="frame", disable=None) as progress,
    ):
        camera.connect()
        process = psutil.Process(node.pid)
        started = time.monotonic()
        for sent in range(every, frames + 1, every):
            camera.send(every)
            samples.append((sent, round(process.memory_info().rss / 1e6, 2)))
            progress.update(every)
            if time.monotonic() - started > limit:
                break
        seconds = time.monotonic() - started
    # A slow machine may not come far beyond, or even to, that many within the limit.
    settled_after = min(_SETTLED, samples[-1][0] // 2)
    settled = [megabytes for sent, megabytes in samples if sent >= settled_after]
    growth = max(settled) / min(settled) - 1
    _plot(samples, settled_after, out / _PICTURE)
    return {
        "frame": f"{WIDTH}x{HEIGHT} rgb8",
        "frames": samples[-1][0],
        "seconds": seconds,
        "settled_after": settled_after,
        "smallest_mb": min(settled),
        "largest_mb": max(settled),
        "last_mb": settled[-1],
        "growth": growth,
        "samples": samples,
        "met": growth <= GOAL and samples[-1][0] >= 2 * _SETTLED,
    }


def _plot(samples: list[tuple[int, float]], settled_after: int, path: Path) -> None:
    from matplotlib.figure import Figure as Plot

    plot = Plot(figsize=(6, 3), layout="constrained")
    axes = plot.subplots()
    axes.plot(*zip(*samples, strict=True))
    axes.axvline(settled_after, color="grey", linestyle=":")
    axes.set(xlabel="frames", ylabel="resident memory of the node [MB]", ylim=(0, 1.15 * max(m for _, m in samples)))
    plot.savefig(path, dpi=100)


def rows(values: dict[str, Any]) -> list[Row]:
    """Rows of the table."""
    return [
        Row("frames", f"{values['frames']} in {values['seconds']:.0f} s"),
        Row(
            f"resident memory after the first {values['settled_after']}",
            f"{values['smallest_mb']:.1f} to {values['largest_mb']:.1f} MB ({values['growth']:.1%}), "
            f"{values['last_mb']:.1f} MB at the end",
            f"within {GOAL:.0%}, over at least {_SETTLED} frames",
            values["met"],
        ),
    ]


FIGURE = Figure(
    "Memory of the node",
    f"The node in a process of its own takes {WIDTH}x{HEIGHT} frames as fast as it can, each sent when all results of "
    "the one before are back: depth, segmentation and confidence.",
    measure,
    rows,
    _PICTURE,
)
