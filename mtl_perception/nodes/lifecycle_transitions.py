"""Lifecycle transitions that say why they fail: rclpy drops what their callbacks raise without a word."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

_Callback = Callable[[Any, LifecycleState], TransitionCallbackReturn]


def transition(
    verb: str, *, undo: str | None = None, expected: tuple[type[Exception], ...] = ()
) -> Callable[[_Callback], _Callback]:
    """Have a node's callback fail with one line in its log, and leave nothing of what it began.

    Args:
        verb: what the callback does, such as ``"configure"``.
        undo: method of the node that takes away what a callback that failed had made.
        expected: what is raised with a text that says all.
    """

    def decorated(callback: _Callback) -> _Callback:
        @wraps(callback)
        def told(node: Any, state: LifecycleState) -> TransitionCallbackReturn:
            try:
                return callback(node, state)
            except Exception as error:
                text = str(error) if isinstance(error, expected) else f"{type(error).__name__}: {error}"
                node.get_logger().error(f"cannot {verb}: {text}")
                if undo:
                    getattr(node, undo)()
                return TransitionCallbackReturn.FAILURE

        return told

    return decorated


def configure_and_activate(node: LifecycleNode) -> bool:
    """Take ``node`` through both transitions; whether it is active then. Why not is in its log."""
    done = TransitionCallbackReturn.SUCCESS
    return node.trigger_configure() == done and node.trigger_activate() == done
