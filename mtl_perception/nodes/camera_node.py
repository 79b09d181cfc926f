"""What the nodes that hear cameras have in common: a life in which all that was made is taken away again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from mtl_perception.nodes.lifecycle_transitions import transition
from mtl_perception.nodes.parameter_server import Parameters, ParameterServer

DIAGNOSTICS_PERIOD = 1.0
"""Seconds."""


class CameraNode(LifecycleNode):
    """A lifecycle node that listens while it is active.

    A node of its own makes what it needs in ``on_configure`` and ``on_activate``, and leaves in ``_opened`` and
    ``_listening`` how that is taken away again.

    Args:
        name: of the node.
        parameters: of its own, with their defaults; what is wrong with those that were set is logged.
        on_change: told of the names of parameters that changed while it runs.
    """

    def __init__(
        self,
        name: str,
        parameters: Parameters,
        on_change: Callable[[set[str]], None] = lambda names: None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self._settings = ParameterServer(self, parameters, on_change)
        for problem in self._settings.problems.values():
            self.get_logger().error(problem)
        self._active = False
        self._opened, self._listening = ExitStack(), ExitStack()

    @transition("deactivate")
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop listening, and end the work on what was heard."""
        self.stop()
        return super().on_deactivate(state)

    @transition("clean up")
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the rest away."""
        self._close()
        return TransitionCallbackReturn.SUCCESS

    @transition("shut down")
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop whatever runs."""
        self.stop()
        self._close()
        return TransitionCallbackReturn.SUCCESS

    def stop(self) -> None:
        """End the work, if there is any; the last thing before the process ends."""
        self._active = False
        self._listening.close()

    def _close(self) -> None:
        self._opened.close()
        self._settings.locked = False

    def _diagnose(self, report: Callable[[], None]) -> None:
        """Have ``report`` publish ``_diagnostics`` while the node is configured."""
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self._opened.callback(self.destroy_publisher, self._diagnostics)
        # Simulated time may stand still; the word that it does must go out all the same.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._opened.callback(self.destroy_timer, self.create_timer(DIAGNOSTICS_PERIOD, report, clock=steady))
