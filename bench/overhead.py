"""What the node adds to the network: frames through the node against the network alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from tqdm import tqdm

from bench.camera import FOCAL_LENGTH, HEIGHT, NAMESPACE, WIDTH, camera_process, pictures
from bench.figure import Figure, Row, median_and_p95, spread
from mtl_perception.perception_node import PerceptionNode

GOAL = 1.10
"""Largest ratio of the medians."""


class _TimedNode(PerceptionNode):
    """The node; it also keeps how long each frame took, and runs its network alone when asked."""

    def __init__(self, model: Path) -> None:
        self.end_to_end: list[float] = []
        """From each frame's arrival in the image callback to its results being published, milliseconds."""
        # While its network runs alone it hears nothing, and is not to complain.
        parameters = {"model": str(model), "image_timeout": 3600.0}
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        super().__init__(namespace=NAMESPACE, parameter_overrides=overrides)

    def _process(self, arrival) -> None:
        super()._process(arrival)
        self.end_to_end.append((time.monotonic() - arrival.time) * 1e3)

    def alone(self, rgb: np.ndarray) -> float:
        """Milliseconds that ``Network.predict`` takes for ``rgb``, on the very network the node runs."""
        start = time.monotonic()
        self._network.predict(rgb, FOCAL_LENGTH)
        return (time.monotonic() - start) * 1e3


def measure(model: Path, out: Path, pairs: int = 40, frames: int = 20) -> dict[str, Any]:
    """Alternate ``pairs`` blocks of ``frames`` through the node with as many of the network alone."""
    images = pictures(8)
    alone, node_blocks, round_trips = [], [], []
    with camera_process() as camera, _spinning(model) as node:
        camera.connect()
        camera.send(frames // 4)
        for _ in tqdm(range(pairs), desc="overhead", unit="pair of blocks", disable=None):
            alone.append([node.alone(images[i % len(images)]) for i in range(frames)])
            node.end_to_end.clear()
            round_trips += camera.send(frames)
            # The last results are with the camera a moment before the node is done counting.
            while len(node.end_to_end) < frames:
                time.sleep(0.001)
            node_blocks.append(list(node.end_to_end))
    ratios = [float(np.median(n) / np.median(a)) for n, a in zip(node_blocks, alone, strict=True)]
    ratio = float(np.median(node_blocks) / np.median(alone))
    return {
        "frame": f"{WIDTH}x{HEIGHT} rgb8",
        "frames": pairs * frames,
        "network_alone_ms": spread(np.ravel(alone)),
        "node_end_to_end_ms": spread(np.ravel(node_blocks)),
        "camera_to_results_ms": spread(round_trips),
        "ratio_of_medians": ratio,
        "ratio_of_block_medians": spread(ratios),
        "added_ms": float(np.median(node_blocks) - np.median(alone)),
        "met": ratio <= GOAL,
    }


@contextmanager
def _spinning(model: Path) -> Iterator[_TimedNode]:
    """The node in this process, as ``perception_node.main`` runs it but for the thread."""
    rclpy.init(args=["--ros-args", "--log-level", "warn"], signal_handler_options=SignalHandlerOptions.NO)
    node = _TimedNode(model)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    try:
        yield node
    finally:
        executor.shutdown()
        thread.join()
        node.stop()
        node.destroy_node()
        rclpy.try_shutdown()


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
