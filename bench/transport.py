"""What becomes of 30 raw images a second on their way into the node, with the Fast DDS profile and without."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench.camera import HEIGHT, WIDTH, Stream, camera_process, node_process
from bench.figure import Figure, Row, median_and_p95, spread
from bench.pixel_network import write_pixel_network
from mtl_perception.share import PROFILE_VARIABLES, use_shared_memory_profile

_RATE = 30.0
_WARM_UP = 30
"""Frames sent first: discovery is another figure."""


def measure(model: Path, out: Path, rounds: int = 3, frames: int = 210) -> dict[str, Any]:
    """Send ``frames`` in each of ``rounds``, each time with the profile and without."""
    runs: dict[str, list[Stream]] = {"with_profile": [], "without_profile": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        tqdm(total=2 * rounds, desc="transport", unit="run", disable=None) as progress,
    ):
        network = Path(folder) / "pixel.onnx"
        write_pixel_network(network, HEIGHT, WIDTH)
        for _ in range(rounds):
            for name, profile in (("with_profile", True), ("without_profile", False)):
                runs[name].append(_run(network, profile, frames))
                progress.update()
    values = {"frame": f"{WIDTH}x{HEIGHT} rgb8", "rate_hz": _RATE, **{n: _sum(r) for n, r in runs.items()}}
    return {**values, "met": values["with_profile"]["received"] == values["with_profile"]["sent"]}


def _run(network: Path, profile: bool, frames: int) -> Stream:
    with _environment(profile), camera_process() as camera, node_process(network):
        camera.connect()
        return camera.stream(frames, _RATE, _WARM_UP)


@contextmanager
def _environment(profile: bool) -> Iterator[None]:
    """Processes started within use the project's profile, or Fast DDS as it comes."""
    before = {name: os.environ.pop(name, None) for name in PROFILE_VARIABLES}
    try:
        if profile:
            use_shared_memory_profile()
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _sum(runs: list[Stream]) -> dict[str, Any]:
    sent, received = sum(r.sent for r in runs), sum(r.received for r in runs)
    return {
        "sent": sent,
        "received": received,
        "received_by_run": [r.received for r in runs],
        "share_lost": 1 - received / sent,
        "answered": sum(r.answered for r in runs),
        "camera_to_results_ms": spread([v for r in runs for v in r.latencies]),
    }


def rows(values: dict[str, Any]) -> list[Row]:
    """Rows of the table."""
    table = []
    for name, title in (("with_profile", "with the profile"), ("without_profile", "without it")):
        v = values[name]
        by_run = ", ".join(map(str, v["received_by_run"]))
        table += [
            Row(
                f"{title}: frames received by the node",
                f"{v['received']} of {v['sent']} ({v['share_lost']:.1%} lost; by run: {by_run})",
                "all" if name == "with_profile" else "",
                values["met"] if name == "with_profile" else None,
            ),
            Row(f"{title}: frames whose results all came back", f"{v['answered']} of {v['sent']}"),
            Row(f"{title}: camera to the last result, and back", median_and_p95(v["camera_to_results_ms"])),
        ]
    return table


FIGURE = Figure(
    "Images into the node, from another process",
    f"{WIDTH}x{HEIGHT} rgb8, raw and best effort, {_RATE:g} a second, after a second of warm-up; the node runs a "
    "network that only copies pixels, and depth, segmentation and confidence go back. With "
    "`config/fastdds_shm.xml` and with Fast DDS as it comes, in turn.",
    measure,
    rows,
)
