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
    """A node with work to end before the process does.

    Attributes:
        has_started: it is active, where its parameters ask for that.
    """

    has_started: bool

    def stop(self) -> None:
        """End it."""

    def destroy_node(self) -> None:
        """Take the node away."""


def run_node(
    create: Callable[[], StoppableNode], executable: str, args: list[str] | None, *, must_start: bool = False
) -> int:
    """Run the node until it is told to stop.

    Args:
        create: makes it.
        executable: its name, for messages.
        args: of the command line.
        must_start: end where it cannot become active, which it has logged; else it waits for somebody to set its
            parameters right and to configure it, as a lifecycle node does.

    Returns:
        2 when it cannot start, else 0.
    """
    try:
        rclpy.init(args=args)
    except RuntimeError as error:
        problem = f"unknown ROS arguments {error}" if type(error).__name__ == "UnknownROSArgsError" else error
        print(f"{executable} cannot start: {problem}", file=sys.stderr)
        return 2
    node = None
    try:
        node = create()
        if must_start and not node.has_started:
            return 2
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
