"""A camera that plays frames to the node, and hears what the node makes of them, in a process of its own."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.managers import BaseManager

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from mtl_perception.deployment.own_process import own_process
from mtl_perception.messages.arrays import nanoseconds_of
from mtl_perception.messages.building import image_from_array, stamp_of

RESULTS = ("depth/image", "segmentation/image", "segmentation/confidence")
"""What of the node's outputs is subscribed to."""
PATIENCE = 30.0
"""Seconds to wait for the node to come up, or for results, before giving up."""


class NoAnswerError(RuntimeError):
    """The node did not come up, or did not answer; the message says which."""


class NodeCamera:
    """A calibrated camera of rgb8; it also listens to depth, classes and confidence.

    Args:
        namespace: where the node is.
        frames: (H, W, 3) uint8 RGB, sent in turn.
        focal_length: pixels.
    """

    def __init__(self, namespace: str, frames: Sequence[np.ndarray], focal_length: float) -> None:
        # Whoever uses the camera ends it: Ctrl-C is not for this process to act on.
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("camera", namespace=namespace)
        self._images = self._node.create_publisher(Image, "image", qos_profile_sensor_data)
        self._infos = self._node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
        self._messages = [image_from_array(frame, "rgb8", Header(frame_id="camera")) for frame in frames]
        self._camera_infos = [_camera_info(*frame.shape[:2], focal_length) for frame in frames]
        self._count = 0
        self._news = threading.Condition()
        self._sent: dict[int, float] = {}
        self._received: dict[int, dict[str, float]] = {}
        self._diagnostics: dict[str, str] = {}
        self._diagnostics_stamp = 0
        for topic in RESULTS:
            self._node.create_subscription(Image, topic, partial(self._on_result, topic), 10)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._spinning = threading.Thread(target=self._executor.spin, daemon=True)
        self._spinning.start()
        atexit.register(self._close)

    def connect(self) -> None:
        """Wait until the node hears this camera and, by its own word, is heard on all of ``RESULTS``.

        Raises:
            NoAnswerError: it does not within half a minute.
        """
        with self._news:
            self._diagnostics.clear()  # of a node before this one
        self._wait(
            lambda: (
                self._images.get_subscription_count()
                and self._infos.get_subscription_count()
                and int(self._diagnostics.get("listeners", 0)) >= len(RESULTS)
            ),
            "the node did not come up",
        )

    def send(self, count: int) -> list[float]:
        """Send frames, each when all results of the one before are here.

        Returns:
            From each frame being sent to the last of its results being here, milliseconds.

        Raises:
            NoAnswerError: a frame got no results.
        """
        latencies = []
        for _ in range(count):
            stamp = self._publish()
            self._wait(lambda stamp=stamp: self._answered(stamp), "a frame sent to the node got no results")
            latencies.append(self._latency(stamp))
        return latencies

    def _publish(self) -> int:
        stamp = self._now()
        which, self._count = self._count % len(self._messages), self._count + 1
        message, info = self._messages[which], self._camera_infos[which]
        info.header.stamp = message.header.stamp = stamp_of(stamp)
        self._infos.publish(info)
        with self._news:
            self._sent[stamp] = time.monotonic()
        self._images.publish(message)
        return stamp

    def _now(self) -> int:
        return self._node.get_clock().now().nanoseconds

    def _on_result(self, topic: str, message: Image) -> None:
        now = time.monotonic()
        with self._news:
            self._received.setdefault(nanoseconds_of(message.header.stamp), {})[topic] = now
            self._news.notify_all()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        with self._news:
            for status in message.status:
                if status.name == f"{self._node.get_namespace()}/perception: perception":
                    self._diagnostics = {v.key: v.value for v in status.values}
                    self._diagnostics_stamp = nanoseconds_of(message.header.stamp)
            self._news.notify_all()

    def _answered(self, stamp: int) -> bool:
        return len(self._received.get(stamp, ())) == len(RESULTS)

    def _latency(self, stamp: int) -> float:
        return (max(self._received[stamp].values()) - self._sent[stamp]) * 1e3

    def _close(self) -> None:
        """Leave nothing behind in shared memory; whoever uses the camera may have been interrupted."""
        self._executor.shutdown()
        self._spinning.join()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _wait(self, happened: Callable[[], object], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while not happened():
                if time.monotonic() > deadline:
                    raise NoAnswerError(f"{otherwise} within {PATIENCE:.0f} s: see its messages above")
                self._news.wait(0.02)


def _camera_info(height: int, width: int, focal_length: float) -> CameraInfo:
    k = [focal_length, 0.0, (width - 1) / 2, 0.0, focal_length, (height - 1) / 2, 0.0, 0.0, 1.0]
    p = [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0]
    return CameraInfo(height=height, width=width, distortion_model="plumb_bob", d=[0.0] * 5, k=k, p=p)


class _CameraProcess(BaseManager):
    """Runs a ``NodeCamera`` elsewhere."""


_CameraProcess.register("NodeCamera", NodeCamera)


@contextmanager
def node_camera(namespace: str, frames: Sequence[np.ndarray], focal_length: float) -> Iterator[NodeCamera]:
    """A ``NodeCamera`` in another process: its methods run there. It starts with this process's environment."""
    with own_process(_CameraProcess) as manager:
        yield manager.NodeCamera(namespace, frames, focal_length)
