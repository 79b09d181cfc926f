"""An RGB-D camera that plays frames to the depth logger and hears what the logger says of them, in its own process."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from bench.camera import FOCAL_LENGTH, HEIGHT, NAMESPACE, PATIENCE, WIDTH, NoAnswerError, ticks
from mtl_perception.deployment.made_frames import made_frames
from mtl_perception.messages.arrays import nanoseconds_of
from mtl_perception.messages.building import image_from_array, stamp_of
from mtl_perception.node_process import NodeProcess

COUNT = 8
"""Frames, sent in turn."""
_GRAIN = 6.0
"""Standard deviation of the noise of colour, grey levels: without it a JPEG is smaller than a camera's."""
_DEPTH_NOISE = 0.0015
"""Standard deviation of the noise of depth at a metre, metres; it grows with the square, as a stereo camera's does."""
_HOLES = 0.1
"""Share of pixels without depth."""


def colours() -> list[np.ndarray]:
    """(480, 640, 3) uint8 RGB: smooth patterns with grain, the same at each call."""
    random = np.random.default_rng(1)
    noisy = (picture + random.normal(0, _GRAIN, picture.shape) for picture in made_frames(COUNT, HEIGHT, WIDTH))
    return [np.clip(picture, 0, 255).astype(np.uint8) for picture in noisy]


def depths() -> list[np.ndarray]:
    """(480, 640) uint16 millimetres: bent surfaces 0.5 to 5 m away, noise, and holes of 0; the same at each call."""
    random = np.random.default_rng(2)
    result = []
    for coarse in random.uniform(0.5, 5.0, (COUNT, 6, 8)).astype(np.float32):
        metres = np.clip(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0.4, 6.0)
        metres += random.normal(0, _DEPTH_NOISE, metres.shape) * metres**2
        patches = cv2.resize(random.random((48, 64)), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        metres[patches < np.quantile(patches, _HOLES)] = 0
        result.append(np.rint(metres * 1000).astype(np.uint16))
    return result


class RgbdCamera:
    """A calibrated camera of 640x480 with depth in the colour image.

    Args:
        namespace: where the logger is.
        compressed: sends JPEG and compressedDepth; else rgb8 and 16UC1.
    """

    def __init__(self, namespace: str, compressed: bool) -> None:
        # Whoever uses the camera ends it: Ctrl-C is not for this process to act on.
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("rgbd_camera", namespace=namespace)
        kind = CompressedImage if compressed else Image
        qos = qos_profile_sensor_data
        self._info_publisher = self._node.create_publisher(CameraInfo, "camera_info", qos)
        self._depth_info_publisher = self._node.create_publisher(CameraInfo, "depth_camera_info", qos)
        self._colour_publisher = self._node.create_publisher(kind, "image", qos)
        self._depth_publisher = self._node.create_publisher(kind, "depth", qos)
        self._colours = [_colour_message(pixels, compressed) for pixels in colours()]
        self._depths = [_depth_message(pixels, compressed) for pixels in depths()]
        k = [FOCAL_LENGTH, 0.0, (WIDTH - 1) / 2, 0.0, FOCAL_LENGTH, (HEIGHT - 1) / 2, 0.0, 0.0, 1.0]
        p = [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0]
        self._info = CameraInfo(height=HEIGHT, width=WIDTH, distortion_model="plumb_bob", d=[0.0] * 5, k=k, p=p)
        self._info.header.frame_id = "camera"
        self._news = threading.Condition()
        self._diagnostics: dict[str, str] = {}
        self._diagnostics_stamp = 0
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        executor = SingleThreadedExecutor()
        executor.add_node(self._node)
        threading.Thread(target=executor.spin, daemon=True).start()

    def connect(self) -> None:
        """Wait until the logger hears this camera and is active.

        Raises:
            NoAnswerError: it does not within half a minute.
        """
        publishers = (
            self._info_publisher,
            self._depth_info_publisher,
            self._colour_publisher,
            self._depth_publisher,
        )
        deadline = time.monotonic() + PATIENCE
        while not all(p.get_subscription_count() for p in publishers) or self._said("active") != "true":
            if time.monotonic() > deadline:
                raise NoAnswerError(f"the logger did not come up within {PATIENCE:.0f} s: see its messages above")
            time.sleep(0.05)

    def stream(self, count: int, rate: float) -> dict[int, int]:
        """Send ``count`` pairs, ``rate`` a second.

        Returns:
            Which of the frames had which stamp (ns).
        """
        sent = {}
        for i in ticks(rate, count):
            stamp = self._node.get_clock().now().nanoseconds
            colour, depth = self._colours[i % COUNT], self._depths[i % COUNT]
            for message in (self._info, colour, depth):
                message.header.stamp = stamp_of(stamp)
            self._info_publisher.publish(self._info)
            self._depth_info_publisher.publish(self._info)
            self._colour_publisher.publish(colour)
            self._depth_publisher.publish(depth)
            sent[stamp] = i % COUNT
        return sent

    def settled(self) -> dict[str, str]:
        """What the logger says of itself once nothing of what was sent waits any more.

        Raises:
            NoAnswerError: it says nothing for half a minute.
        """
        said_after = self._node.get_clock().now().nanoseconds + 500_000_000
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while self._diagnostics_stamp < said_after or self._diagnostics.get("waiting") != "0":
                if time.monotonic() > deadline:
                    raise NoAnswerError(f"the logger sent no diagnostics within {PATIENCE:.0f} s")
                self._news.wait(0.1)
            return dict(self._diagnostics)

    def _said(self, key: str) -> str:
        with self._news:
            return self._diagnostics.get(key, "")

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        with self._news:
            for status in message.status:
                if status.name == f"{self._node.get_namespace()}/depth_logger: depth logger":
                    self._diagnostics = {v.key: v.value for v in status.values}
                    self._diagnostics_stamp = nanoseconds_of(message.header.stamp)
            self._news.notify_all()


def _colour_message(pixels: np.ndarray, compressed: bool) -> Image | CompressedImage:
    header = Header(frame_id="camera")
    if not compressed:
        return image_from_array(pixels, "rgb8", header)
    data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return CompressedImage(header=header, format="rgb8; jpeg compressed bgr8", data=data)


def _depth_message(pixels: np.ndarray, compressed: bool) -> Image | CompressedImage:
    header = Header(frame_id="camera")
    if not compressed:
        return image_from_array(pixels, "16UC1", header)
    data = struct.pack("<iff", 0, 0.0, 0.0) + cv2.imencode(".png", pixels)[1].tobytes()
    return CompressedImage(header=header, format="16UC1; compressedDepth png", data=data)


class _CameraProcess(BaseManager):
    """Runs an ``RgbdCamera`` elsewhere."""


_CameraProcess.register("RgbdCamera", RgbdCamera)


@contextmanager
def rgbd_camera_process(compressed: bool) -> Iterator[RgbdCamera]:
    """An ``RgbdCamera`` in another process: its methods run there. It starts with this process's environment."""
    with _CameraProcess(ctx=get_context("spawn")) as manager:
        yield manager.RgbdCamera(NAMESPACE, compressed)


def logger_process(folder: Path, compressed: bool, **parameters: float) -> NodeProcess:
    """The depth logger in a process of its own, where the camera is, logging to ``folder``."""
    given = {"folder": str(folder), "robot": "bench", **parameters}
    if compressed:
        given |= {"image_transport": "compressed", "depth_transport": "compressedDepth"}
    return NodeProcess(given, {}, ("-r", f"__ns:=/{NAMESPACE}", "--log-level", "warn"), "depth_logger_node")
