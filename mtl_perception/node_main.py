"""The process of a node: start, spin, and end cleanly on a signal."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from typing import Protocol

import rclpy
from rclpy.executors import ExternalShutdownException

_SIGNAL_TAKES = 0.5
"""Seconds within which a signal has ended ROS: a thread of rclpy does."""


class StoppableNode(Protocol):
    """A node with work to end before the process does."""

    def stop(self) -> None:
        """End it."""

    def destroy_node(self) -> None:
        """Take the node away."""


def run_node(create: Callable[[], StoppableNode], executable: str, args: list[str] | None) -> int:
    """Run the node until it is told to stop; 2 when it cannot start for its arguments or parameters file, else 0."""
    try:
        rclpy.init(args=args)
    except RuntimeError as error:
        print(f"{executable} cannot start: {error}", file=sys.stderr)
        return 2
    node = None
    try:
        node = create()
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except RuntimeError:
        if not _is_ending():
            raise
    finally:
        # Under `ros2 launch` Ctrl-C arrives twice: from the terminal and from launch.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if node:
            node.stop()
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _is_ending() -> bool:
    """Whether a signal ends ROS: Ctrl-C while rclpy makes a message comes out as a RuntimeError that names no cause."""
    deadline = time.monotonic() + _SIGNAL_TAKES
    while rclpy.ok() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not rclpy.ok()
