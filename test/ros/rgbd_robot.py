"""A robot with an RGB-D camera, and the depth logger in a process beside it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from harness import NodeUnderTest, Robot
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index
from mtl_perception.messages.building import image_from_array, stamp_of

HEIGHT, WIDTH = 48, 64
PATIENCE = 30.0
"""Seconds; on a busy machine a node takes ten of them to come up."""
FRAME_ID = "eye"


def rgb_of(number: int) -> np.ndarray:
    """A picture unlike that of any other number."""
    return np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def depth_of(number: int) -> np.ndarray:
    return np.random.default_rng(number + 10**6).integers(1, 65536, (HEIGHT, WIDTH), dtype=np.uint16)


class RgbdRobot(Robot):
    """Publishes pairs, and reads what the logger makes of them."""

    def __init__(self, folder: Path, image_type: type, depth_type: type) -> None:
        super().__init__(outputs=(), image_type=image_type, node="/depth_logger", task="depth logger")
        self.folder = folder
        self.depth = self.node.create_publisher(depth_type, "depth", 10)
        self.depth_info = self.node.create_publisher(CameraInfo, "depth_camera_info", 10)
        self.odometry = self.node.create_publisher(Odometry, "odometry", 10)
        self._stamps: dict[int, int] = {}

    def wait_until_heard(self, loggers: int = 1) -> None:
        """Wait until so many hear all that is published, and tell them of the cameras."""
        publishers = (self.image, self.camera_info, self.depth, self.depth_info, self.odometry)
        self.wait(lambda: all(p.get_subscription_count() >= loggers for p in publishers))
        self.wait(lambda: self.diagnostics and self.diagnostics[-1]["active"] == "true")
        self.send_cameras()
        time.sleep(0.3)

    def wait(self, condition: Callable, what: str = "what was awaited did not come") -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {self.diagnostics[-1:]}"
            time.sleep(0.01)

    def send_cameras(self, focal: float = 50.0) -> None:
        self.camera_info.publish(camera_info(focal))
        self.depth_info.publish(camera_info(focal))

    def stamp(self, number: int, offset: float = 0.0) -> int:
        """The stamp of frame ``number``: when it was first spoken of, ns, and ``offset`` (s) after that."""
        return self._stamps.setdefault(number, self.node.get_clock().now().nanoseconds) + round(offset * 1e9)

    def number(self, line: dict) -> int:
        """The number of the frame of a line of the index."""
        return next(number for number, stamp in self._stamps.items() if stamp == line["stamp"])

    def send_image(self, number: int, message: Image | CompressedImage | None = None) -> None:
        self.image.publish(
            stamped(message or image_from_array(rgb_of(number), "rgb8", CameraInfo().header), self.stamp(number))
        )

    def send_depth(self, number: int, message: Image | CompressedImage | None = None, offset: float = 0.0) -> None:
        message = message or image_from_array(depth_of(number), "16UC1", CameraInfo().header)
        self.depth.publish(stamped(message, self.stamp(number, offset)))

    def send(self, number: int, image: Any = None, depth: Any = None) -> None:
        self.send_image(number, image)
        self.send_depth(number, depth)

    def send_until(
        self,
        first: int,
        condition: Callable,
        image: Any = None,
        depth: Any = None,
        offset: float = 0.0,
        pause: float = 0.05,
        without_depth: bool = False,
    ) -> int:
        """Send frames, from number ``first`` on, until ``condition``; the number after the last one."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"it did not come to be: {self.diagnostics[-1:]}"
            self.send_image(first, image)
            if not without_depth:
                self.send_depth(first, depth, offset)
            first += 1
            time.sleep(pause)
        return first

    def send_until_told(self, first: int, *words: str, **how: Any) -> int:
        """Send frames until new diagnostics complain in ``words``, or, without any, do not complain."""
        seen = len(self.diagnostics)

        def told() -> bool:
            new = self.diagnostics[seen:]
            return any(all(word in d["message"] for word in words) if words else d["level"] == "0" for d in new)

        return self.send_until(first, told, **how)

    def complains(self, pattern: str) -> bool:
        """Whether the latest diagnostics say so."""
        return bool(self.diagnostics and re.search(pattern, self.diagnostics[-1]["message"]))

    def fact(self, key: str) -> int:
        return int(self.diagnostics[-1].get(key, 0)) if self.diagnostics else 0

    def lines(self) -> dict[int, dict]:
        """The index's lines by the number of the frame."""
        return {self.number(line): line for run in read_index(self.folder) for line in run.frames.values()}

    def runs(self) -> dict[str, int]:
        """The frames of every run."""
        return {run.run: len(run.frames) for run in read_index(self.folder)}

    def log_now(self) -> Trigger.Response:
        return self.call(Trigger, "/depth_logger/log_now", Trigger.Request())

    def check(self) -> dict[int, dict]:
        """See that every logged frame is what was sent under its stamp; its lines by number."""
        opened = DatasetFolder(self.folder)
        runs = read_index(self.folder)
        assert not [problem for run in runs for problem in run.problems]
        for line in (line for run in runs for line in run.frames.values()):
            number = self.number(line)
            np.testing.assert_array_equal(np.rint(opened.read_depth(line["name"]) * 1000), depth_of(number))
            np.testing.assert_array_equal(opened.read_rgb(line["name"]), rgb_of(number))
        return self.lines()


def camera_info(focal: float, height: int = HEIGHT, width: int = WIDTH, frame_id: str = FRAME_ID) -> CameraInfo:
    info = CameraInfo(height=height, width=width)
    info.header.frame_id = frame_id
    info.k = [focal, 0.0, width / 2, 0.0, focal, height / 2, 0.0, 0.0, float(focal > 0)]
    info.p = [focal, 0.0, width / 2, 0.0, 0.0, focal, height / 2, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info


def stamped(message: Any, stamp: int) -> Any:
    message.header.stamp = stamp_of(stamp)
    message.header.frame_id = message.header.frame_id or FRAME_ID
    return message


@contextmanager
def logging(
    folder: Path, *, image_type: type = Image, depth_type: type = Image, **parameters: Any
) -> Iterator[tuple[NodeUnderTest, RgbdRobot]]:
    """The logger at work with a robot beside it: it keeps every frame, PNG, unless ``parameters`` say otherwise."""
    settings = {"folder": str(folder), "robot": "r2", "rgb_format": "png", "min_interval": 0.0, "min_free": 0.0}
    arguments = [f"-p{name}:={value}" for name, value in {**settings, **parameters}.items()]
    split = [part for argument in arguments for part in ("-p", argument[2:])]
    process = NodeUnderTest(*split, module="depth_logger_node")
    robot = RgbdRobot(folder, image_type, depth_type)
    try:
        robot.wait_until_heard()
        yield process, robot
    finally:
        robot.close()
        assert process.stop() == 0, process.log
    assert "Traceback" not in process.log
