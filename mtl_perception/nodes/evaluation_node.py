"""Measure the perception node that runs while a recording is played, then evaluate on the recording: for launch files.

Where there is no launch, ``mtl-perception evaluate --live`` does all of that by itself.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import CompressedImage, Image

from mtl_perception.atomic_write import check_writable
from mtl_perception.backends import NetworkError
from mtl_perception.dataset_folder import DatasetError
from mtl_perception.evaluation.command import add_evaluate_arguments, evaluate, recording_of
from mtl_perception.evaluation.errors import EvaluationError
from mtl_perception.evaluation.live_figures import live_figures
from mtl_perception.evaluation.process_usage import ProcessUsage
from mtl_perception.messages.arrays import nanoseconds_of
from mtl_perception.network import read_card
from mtl_perception.node_traffic import Traffic
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.errors import BagError, ReplayError
from mtl_perception.share import model_path

READY = "ready: play the recording now"
"""What is printed once the node is heard; the launch file waits for it."""
_PATIENCE = 60.0
"""Seconds to wait for the node, and for somebody to play."""
_QUIET = 5.0
"""Seconds after the player has gone in which the last results come."""
# As any camera is heard, with room for what comes while this process is busy.
_CAMERA_QOS = QoSProfile(depth=50, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.BEST_EFFORT)


class StreamListener:
    """Ears for one perception node and its camera; all in one thread, spun by whoever waits.

    Args:
        name: of the perception node, with its namespace.
        image: topic that it takes its images from.
        compressed: the topic carries CompressedImage.
        pid: process of the perception node, None when it is not known or on another machine.
    """

    def __init__(self, name: str, image: str, *, compressed: bool, pid: int | None) -> None:
        namespace = name.rpartition("/")[0]
        self._name = name
        self._image = image
        self._pid = pid
        self._node = Node(
            "evaluation", namespace=namespace or "/", parameter_overrides=[Parameter("use_sim_time", value=True)]
        )
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self.traffic = Traffic()
        self.traffic.hear(self._node, name)
        kind = CompressedImage if compressed else Image
        self._node.create_subscription(kind, image, self._on_image, _CAMERA_QOS)

    def measure(self) -> dict[str, Any]:
        """Listen from before somebody plays until he has gone; the figures as ``measure_live`` gives them.

        Raises:
            ReplayError: the node is not heard, nobody plays, or nothing came out.
        """
        self._wait(lambda: self.traffic.heard, f"the node {self._name} is not heard")
        print(READY, flush=True)
        self._wait(self._is_played, f"nobody plays {self._image}")
        while self._is_played() and not self.traffic.frames_in:
            self._executor.spin_once(timeout_sec=0.1)
        with ExitStack() as stack:
            usage = stack.enter_context(ProcessUsage(self._pid)) if self._pid else None
            while self._is_played():
                self._executor.spin_once(timeout_sec=0.5)
        until = time.monotonic() + _QUIET
        while not self.traffic.settled and time.monotonic() < until:
            self._executor.spin_once(timeout_sec=0.1)
        if not self.traffic.frames_out:
            why = self.traffic.diagnostics.get("last error") or "see its messages"
            raise ReplayError(f"{self._name} gave no result for {self.traffic.frames_in} images: {why}")
        return {**live_figures(self.traffic), **(usage.figures() if usage else {})}

    def close(self) -> None:
        """Stop listening."""
        self._executor.shutdown()
        self._node.destroy_node()

    def _is_played(self) -> bool:
        return self._node.count_publishers(self._image) > 0

    def _on_image(self, message: Image | CompressedImage) -> None:
        self.traffic.frame_in(nanoseconds_of(message.header.stamp))

    def _wait(self, condition: Callable[[], Any], complaint: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise ReplayError(f"{complaint} for {_PATIENCE:.0f} s")
            self._executor.spin_once(timeout_sec=0.1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Listen, then evaluate; exit codes as of ``mtl-perception evaluate``."""
    argv = list(sys.argv if arguments is None else arguments)
    options = _parser().parse_args(remove_ros_args(argv)[1:])
    try:
        _check(options)
        figures = _listen(options, argv)
        first = model_path(options.model)
        return evaluate(
            options,
            shlex.join(["evaluation_node", *argv[1:]]),
            lambda bag, model, *topics: figures if model == first else None,
        )
    except (EvaluationError, NetworkError, DatasetError, OSError, RuntimeError) as error:  # ROS raises RuntimeError
        print(f"evaluation_node: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        return 128 + signal.SIGINT


def _check(options: argparse.Namespace) -> None:
    """Find out before the recording is played what would be found out after it."""
    check_writable(options.out)
    cards = {model: read_card(model_path(model)) for model in (options.model, *options.against)}
    recording = recording_of(options)
    try:
        with open_bag(recording.bag) as bag:
            recording.label_folder(bag, recording.topics_in(bag).image, cards)
    except BagError as error:
        raise EvaluationError(str(error)) from error


def _listen(options: argparse.Namespace, argv: Sequence[str]) -> dict[str, Any]:
    rclpy.init(args=argv)
    try:
        listener = StreamListener(options.node, options.played_on, compressed=options.compressed, pid=options.pid)
        try:
            return listener.measure()
        finally:
            listener.close()
    finally:
        rclpy.try_shutdown()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluation_node", description=__doc__)
    parser.add_argument("--node", required=True, metavar="NAME", help="the perception node, with its namespace")
    parser.add_argument("--played-on", required=True, metavar="TOPIC", help="where the camera's images are played")
    parser.add_argument("--compressed", action="store_true", help="that topic carries CompressedImage")
    parser.add_argument("--pid", type=int, help="process id of the perception node, if it is on this machine")
    add_evaluate_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
