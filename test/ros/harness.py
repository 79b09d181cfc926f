"""A robot's side of a test: a camera to publish with, ears for every output, and the node in its own process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import String

from mtl_perception.messages.building import image_from_array

OUTPUTS = {
    "depth/image": Image,
    "depth/camera_info": CameraInfo,
    "segmentation/image": Image,
    "segmentation/confidence": Image,
    "segmentation/overlay": Image,
    "points": PointCloud2,
}
FRAME_ID = "test_optical_frame"
PATIENCE = 30.0
"""Seconds; on a busy machine a node takes ten of them to come up."""
SETTLED = 0.2
"""Seconds after which two nodes that have met know of each other's new topics and services."""


class NodeUnderTest:
    """The perception node, or the one of another ``module``, in a process; what it printed is in ``log``."""

    def __init__(self, *arguments: str, module: str = "perception_node") -> None:
        command = [sys.executable, "-m", f"mtl_perception.nodes.{module}", "--ros-args", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.log = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.log += line

    def stop(self, sign: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Robot:
    """Publishes frames to the node and keeps the last message of every output it listens to."""

    def __init__(
        self,
        outputs: tuple[str, ...] = tuple(OUTPUTS),
        image_type: type = Image,
        node: str = "/perception",
        task: str = "perception",
    ) -> None:
        self._node = node
        self._status = f"{node}: {task}"
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = Node("robot", context=self._context)
        self.received: dict[str, list] = {topic: [] for topic in OUTPUTS}
        self.labels: list[str] = []
        self._clients: dict[str, Client] = {}
        self.diagnostics: list[dict[str, str]] = []
        for topic in outputs:
            self.node.create_subscription(OUTPUTS[topic], topic, self.received[topic].append, 10)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(String, "segmentation/labels", lambda m: self.labels.append(m.data), latched)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self._listening_to = len(outputs)
        self.image = self.node.create_publisher(image_type, "image", 10)
        self.camera_info = self.node.create_publisher(CameraInfo, "camera_info", 10)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._spinning = threading.Thread(target=self._executor.spin, daemon=True)
        self._spinning.start()
        self._stamp = 1000

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in (s for s in message.status if s.name == self._status):
            facts = {v.key: v.value for v in status.values}
            self.diagnostics.append({"message": status.message, "level": str(status.level[0]), **facts})

    def wait_until_heard(self) -> None:
        """Wait until the node hears this robot and is heard by it."""
        self.wait(lambda: self.image.get_subscription_count() and self.camera_info.get_subscription_count())
        self.wait(lambda: self.diagnostics and int(self.diagnostics[-1]["listeners"]) >= self._listening_to)

    def frame(self, rgb: np.ndarray, encoding: str = "rgb8", stamp: int | None = None) -> Image:
        self._stamp = self._stamp + 1 if stamp is None else stamp
        message = image_from_array(rgb, encoding, CameraInfo().header)
        message.header.stamp.sec = self._stamp
        message.header.frame_id = FRAME_ID
        return message

    def compressed(self, data: bytes, kind: str = "jpeg") -> CompressedImage:
        self._stamp += 1
        message = CompressedImage(format=kind, data=data)
        message.header.stamp.sec = self._stamp
        message.header.frame_id = FRAME_ID
        return message

    def answer(self, message: Image | CompressedImage, topic: str = "depth/image"):
        """Publish a frame and return what comes back under its stamp on ``topic``."""
        self.publish_until(message, lambda: self._results(message, topic))
        return self._results(message, topic)[-1]

    def publish_until(self, message: Image | CompressedImage, done: Callable) -> None:
        """Publish ``message``, again now and then: a best-effort frame can be lost on a busy machine."""
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline, f"nothing came of the frame of stamp {message.header.stamp.sec}"
            self.image.publish(message)
            again = time.monotonic() + 2.5
            while not done() and time.monotonic() < again:
                time.sleep(0.01)

    def result(self, message: Image | CompressedImage, topic: str):
        self.wait(lambda: self._results(message, topic), f"no {topic} under stamp {message.header.stamp.sec}")
        return self._results(message, topic)[-1]

    def _results(self, message: Image | CompressedImage, topic: str) -> list:
        return [m for m in self.received[topic] if m.header.stamp == message.header.stamp]

    def publish_camera(self, focal_length: float, height: int = 48, width: int = 64) -> None:
        info = CameraInfo(height=height, width=width)
        info.k = [focal_length, 0.0, width / 2, 0.0, focal_length, height / 2, 0.0, 0.0, float(focal_length > 0)]
        info.p = [focal_length, 0.0, width / 2, 0.0, 0.0, focal_length, height / 2, 0.0, 0.0, 0.0, 1.0, 0.0]
        self.camera_info.publish(info)

    def wait(self, condition: Callable, what: str = "what was awaited did not come") -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.01)

    def wait_for_diagnostics(self, condition: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        """The next diagnostics for which ``condition`` holds."""
        seen = len(self.diagnostics)
        self.wait(
            lambda: any(condition(d) for d in self.diagnostics[seen:]),
            f"diagnostics stayed {self.diagnostics[-1:]}",
        )
        return next(d for d in self.diagnostics[seen:] if condition(d))

    def call(self, kind: type, name: str, request):
        """What the service answers; its client stays for the next call."""
        self._meet()
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
            assert self._clients[name].wait_for_service(PATIENCE), f"service {name} did not come up"
            time.sleep(SETTLED)
        future = self._clients[name].call_async(request)
        self.wait(future.done, f"service {name} did not answer")
        return future.result()

    def _meet(self) -> None:
        """Ask the node for its state until it answers: a node found here may find this robot only seconds later.

        Until then its answers go nowhere.
        """
        name = f"{self._node}/get_state"
        if name in self._clients:
            return
        client = self._clients[name] = self.node.create_client(GetState, name)
        assert client.wait_for_service(PATIENCE), f"node {self._node} did not come up"
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline, f"node {self._node} did not answer"
            future = client.call_async(GetState.Request())
            again = time.monotonic() + 1
            while not future.done() and time.monotonic() < again:
                time.sleep(0.01)
            if future.done():
                return

    def set(self, **parameters):
        """Set parameters of the node; the results, in order."""
        request = SetParameters.Request(
            parameters=[Parameter(k, value=v).to_parameter_msg() for k, v in parameters.items()]
        )
        return self.call(SetParameters, f"{self._node}/set_parameters", request).results

    def transition(self, transition: int) -> bool:
        request = ChangeState.Request()
        request.transition.id = transition
        return self.call(ChangeState, f"{self._node}/change_state", request).success

    @property
    def state(self) -> str:
        return self.call(GetState, f"{self._node}/get_state", GetState.Request()).current_state.label


def one_line(log: str, pattern: str) -> str:
    """The single line of ``log`` that matches, checked to come without a traceback."""
    assert "Traceback" not in log, log
    lines = [line for line in log.splitlines() if re.search(pattern, line)]
    assert lines, f"no line matches {pattern!r} in:\n{log}"
    return lines[0]
