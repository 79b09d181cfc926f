"""Replay a recorded camera through the real node over DDS, and collect what comes out."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from mtl_perception.bags import CAMERA_INFO_TOPIC, IMAGE_TOPIC, open_bag
from mtl_perception.messages import array_from_image, nanoseconds_of, rgb_from_compressed
from mtl_perception.node_process import NodeProcess
from mtl_perception.replay import BagPlayer
from mtl_perception.share import use_shared_memory_profile

_PATIENCE = 30.0
"""Seconds to wait for the node to come up."""
_QUIET = 2.0
"""Seconds without a result after which none is expected any more."""


class ReplayError(RuntimeError):
    """The node did not come up or gave nothing; the message says which."""


@dataclass
class Results:
    """What went into the node and came out of it, by stamp (ns)."""

    sent: dict[int, float] = field(default_factory=dict)
    """When each frame was published, s."""
    received: dict[int, float] = field(default_factory=dict)
    """When its depth came back, s."""
    rgb: dict[int, np.ndarray] = field(default_factory=dict)
    depth: dict[int, np.ndarray] = field(default_factory=dict)
    segmentation: dict[int, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, str] = field(default_factory=dict)


def replay_through_node(bag: Path, model: Path) -> Results:
    """Play ``bag`` to the node at the recorded pace and collect depth, classes and diagnostics."""
    use_shared_memory_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    image = f"{IMAGE_TOPIC}/compressed"
    results = Results()

    def on_sent(topic: str, stamp: Time | None) -> None:
        if topic == image:
            results.sent[nanoseconds_of(stamp)] = time.monotonic()

    with (
        open_bag(bag) as opened,
        NodeProcess(
            {"model": str(model), "image_transport": "compressed"}, {"image": image, "camera_info": CAMERA_INFO_TOPIC}
        ) as process,
    ):
        rclpy.init()
        node = Node("replay")
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        spinning = threading.Thread(target=_spin, args=(executor,), daemon=True)
        try:
            player = BagPlayer(node, opened, restamp=True)
            if image not in player.publishers:
                raise ReplayError(
                    f"{bag} has no compressed images on {image}: make it with `mtl-perception bag from-folder`"
                )
            _subscribe(node, image, results)
            spinning.start()
            _wait_until_connected(process, player, results)
            player.play(sent=on_sent)
            _wait_until_quiet(results)
        finally:
            executor.shutdown()
            node.destroy_node()
            rclpy.try_shutdown()
    return results


def _spin(executor: SingleThreadedExecutor) -> None:
    with suppress(ExternalShutdownException):  # Ctrl-C
        executor.spin()


def _subscribe(node: Node, image: str, results: Results) -> None:
    def on_depth(message: Image) -> None:
        results.received[nanoseconds_of(message.header.stamp)] = time.monotonic()
        results.depth[nanoseconds_of(message.header.stamp)] = array_from_image(message)

    def on_segmentation(message: Image) -> None:
        results.segmentation[nanoseconds_of(message.header.stamp)] = array_from_image(message)

    def on_image(message: CompressedImage) -> None:
        results.rgb[nanoseconds_of(message.header.stamp)] = rgb_from_compressed(message)

    def on_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith("perception: perception"):
                results.diagnostics.update({v.key: v.value for v in status.values})

    node.create_subscription(Image, "depth/image", on_depth, 10)
    node.create_subscription(Image, "segmentation/image", on_segmentation, 10)
    node.create_subscription(CompressedImage, image, on_image, 10)
    node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 10)


def _wait_until_connected(process: NodeProcess, player: BagPlayer, results: Results) -> None:
    """Wait until the node hears the camera and, by its own word, is heard on depth and classes."""
    deadline = time.monotonic() + _PATIENCE
    # The images played are heard here too, hence two subscriptions there.
    wanted = {t: n for t, n in ((f"{IMAGE_TOPIC}/compressed", 2), (CAMERA_INFO_TOPIC, 1)) if t in player.publishers}
    while time.monotonic() < deadline:
        if process.exit_code is not None:
            raise ReplayError(f"the node ended with exit code {process.exit_code}: see its messages above")
        heard = all(player.publishers[t].get_subscription_count() >= n for t, n in wanted.items())
        if heard and int(results.diagnostics.get("listeners", 0)) >= 2:
            return
        time.sleep(0.02)
    raise ReplayError(f"the node did not come up within {_PATIENCE:.0f} s: see its messages above")


def _wait_until_quiet(results: Results) -> None:
    last = time.monotonic()
    while time.monotonic() - max([last, *results.received.values()]) < _QUIET:
        if len(results.received) == len(results.sent) and results.diagnostics.get("frames published") == str(
            len(results.sent)
        ):
            return
        time.sleep(0.05)
