"""A node in a process of its own, for whoever replays something to it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any


class NodeProcess:
    """Context in which a node runs as on a robot, in another process.

    Args:
        parameters: parameters of the node that are not default.
        remappings: topic names of the node and what they are to be.
        arguments: further arguments for rclpy.
        module: of this package, the node's.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        remappings: Mapping[str, str],
        arguments: tuple[str, ...] = (),
        module: str = "perception_node",
    ) -> None:
        self._command = [sys.executable, "-m", f"mtl_perception.nodes.{module}", "--ros-args", *arguments]
        for name, value in parameters.items():
            self._command += ["-p", f"{name}:={json.dumps(value)}"]
        for name, target in remappings.items():
            self._command += ["-r", f"{name}:={target}"]

    def __enter__(self) -> NodeProcess:
        self._process = subprocess.Popen(self._command)
        return self

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, or None while it runs."""
        return self._process.poll()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
