"""A camera that plays frames to the node, and hears what the node makes of them, in a process of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from pathlib import Path

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from mtl_perception.message_building import image_from_array, stamp_of
from mtl_perception.messages import nanoseconds_of
from mtl_perception.node_process import NodeProcess

NAMESPACE = f"bench_{os.getpid()}"
"""Where the node under test and its camera meet; no other node on the machine is there."""
HEIGHT, WIDTH, FOCAL_LENGTH = 480, 640, 525.0
RESULTS = ("depth/image", "segmentation/image", "segmentation/confidence")
"""What of the node's outputs is subscribed to."""
PATIENCE = 30.0
"""Seconds to wait for the node to come up, or for results, before giving up."""


class NoAnswerError(RuntimeError):
    """The node did not come up, or did not answer; the message says which."""


@dataclass(frozen=True)
class Stream:
    """What became of frames sent at a fixed rate.

    Attributes:
        sent: frames that went out.
        received: those that the node got, by its own count.
        answered: frames whose results all came back.
        latencies: of each answered frame, from being sent to the last of its results being here, milliseconds.
    """

    sent: int
    received: int
    answered: int
    latencies: list[float]


def pictures(count: int) -> list[np.ndarray]:
    """Smooth coloured patterns, the same at each call, (480, 640, 3) uint8 RGB."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (count, 12, 16, 3), dtype=np.uint8)
    return [cv2.resize(c, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for c in coarse]


class Camera:
    """A calibrated camera of 640x480 rgb8; it also listens to depth, classes and confidence.

    Args:
        namespace: where the node under test is, see ``NAMESPACE``.
    """

    def __init__(self, namespace: str) -> None:
        # Whoever uses the camera ends it: Ctrl-C is not for this process to act on.
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("camera", namespace=namespace)
        self._images = self._node.create_publisher(Image, "image", qos_profile_sensor_data)
        self._infos = self._node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
        self._messages = [image_from_array(p, "rgb8", Header(frame_id="camera")) for p in pictures(8)]
        k = [FOCAL_LENGTH, 0.0, (WIDTH - 1) / 2, 0.0, FOCAL_LENGTH, (HEIGHT - 1) / 2, 0.0, 0.0, 1.0]
        p = [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0]
        self._info = CameraInfo(height=HEIGHT, width=WIDTH, distortion_model="plumb_bob", d=[0.0] * 5, k=k, p=p)
        self._news = threading.Condition()
        self._sent: dict[int, float] = {}
        self._received: dict[int, dict[str, float]] = {}
        self._diagnostics: dict[str, str] = {}
        self._diagnostics_stamp = 0
        for topic in RESULTS:
            self._node.create_subscription(Image, topic, partial(self._on_result, topic), 10)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        executor = SingleThreadedExecutor()
        executor.add_node(self._node)
        threading.Thread(target=executor.spin, daemon=True).start()

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
        for i in range(count):
            stamp = self._publish(i)
            self._wait(lambda stamp=stamp: self._answered(stamp), "a frame sent to the node got no results")
            latencies.append(self._latency(stamp))
        return latencies

    def stream(self, count: int, rate: float, warm_up: int) -> Stream:
        """Send ``count`` frames at ``rate`` a second, whatever comes back, after ``warm_up`` that do not count."""
        before, _ = self._stream(warm_up, rate)
        after, stamps = self._stream(count, rate)
        answered = [s for s in stamps if self._answered(s)]
        return Stream(count, after - before, len(answered), [self._latency(s) for s in answered])

    def first_depth(self) -> tuple[float, float]:
        """Send frames at 30 a second until the first depth image comes back.

        Returns:
            When it came, seconds of the monotonic clock that all processes share, and how long it
            took from its frame being sent, milliseconds.

        Raises:
            NoAnswerError: none came within half a minute.
        """
        with self._news:
            self._received.clear()
        for i in ticks(30.0, int(30.0 * PATIENCE)):
            self._publish(i)
            with self._news:
                depth = {stamp: times[RESULTS[0]] for stamp, times in self._received.items() if RESULTS[0] in times}
            if depth:
                stamp = min(depth)
                return depth[stamp], (depth[stamp] - self._sent[stamp]) * 1e3
        raise NoAnswerError(f"the node gave no depth within {PATIENCE:.0f} s: see its messages above")

    def _stream(self, count: int, rate: float) -> tuple[int, list[int]]:
        """Send frames; how many the node has received once all have reached it or are lost, and their stamps."""
        stamps = [self._publish(i) for i in ticks(rate, count)]
        settled = self._now() + 500_000_000
        self._wait(lambda: self._diagnostics_stamp > settled, "the node sent no diagnostics")
        with self._news:
            return int(self._diagnostics["frames received"]), stamps

    def _publish(self, index: int) -> int:
        stamp = self._now()
        message = self._messages[index % len(self._messages)]
        self._info.header.stamp = message.header.stamp = stamp_of(stamp)
        self._infos.publish(self._info)
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

    def _wait(self, happened: Callable[[], object], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while not happened():
                if time.monotonic() > deadline:
                    raise NoAnswerError(f"{otherwise} within {PATIENCE:.0f} s: see its messages above")
                self._news.wait(0.02)


def ticks(rate: float, count: int) -> Iterator[int]:
    """0, 1, ... ``count`` - 1, ``rate`` of them a second."""
    started = time.monotonic()
    for i in range(count):
        time.sleep(max(0.0, started + i / rate - time.monotonic()))
        yield i


class _CameraProcess(BaseManager):
    """Runs a ``Camera`` elsewhere."""


_CameraProcess.register("Camera", Camera)


@contextmanager
def camera_process() -> Iterator[Camera]:
    """A ``Camera`` in another process: its methods run there. It starts with this process's environment."""
    with _CameraProcess(ctx=get_context("spawn")) as manager:
        yield manager.Camera(NAMESPACE)


def node_process(model: Path) -> NodeProcess:
    """The node with the network file ``model`` in a process of its own, where the camera is."""
    arguments = ("-r", f"__ns:=/{NAMESPACE}", "--log-level", "warn")
    return NodeProcess({"model": str(model)}, {}, arguments)
