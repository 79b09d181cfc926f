"""The logger in this process, where a test can break what it is made of: see test/ros for the real one."""

from __future__ import annotations

import threading

import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from mtl_perception.nodes.depth_logger_node import DepthLoggerNode


def test_a_transition_that_fails_unforeseen_is_told_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*ignored, **also_ignored):
        raise LookupError("out of luck")

    context = Context()
    rclpy.init(context=context)
    overrides = [Parameter("folder", value=str(tmp_path)), Parameter("autostart", value=False)]
    node = DepthLoggerNode(context=context, parameter_overrides=overrides)
    try:
        said = []
        monkeypatch.setattr(node.get_logger(), "error", lambda text, **_: said.append(text))
        timers = len(list(node.timers))
        with monkeypatch.context() as patch:
            patch.setattr(node, "_listen_to_static_transforms", fail)
            assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert not node._settings.locked and len(list(node.timers)) == timers
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        threads, subscriptions = threading.active_count(), len(list(node.subscriptions))
        with monkeypatch.context() as patch:
            patch.setattr(node, "create_subscription", fail_after(3, node.create_subscription, fail))
            assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
        assert threading.active_count() == threads and len(list(node.subscriptions)) == subscriptions
        assert said == ["cannot configure: LookupError: out of luck", "cannot activate: LookupError: out of luck"]
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_shutdown() == TransitionCallbackReturn.SUCCESS
        assert threading.active_count() == threads
    finally:
        node.stop()
        node.destroy_node()
        rclpy.shutdown(context=context)


def fail_after(calls: int, function, fail):
    """``function`` for so many calls, then ``fail``."""
    left = iter(range(calls))
    return lambda *given, **how: function(*given, **how) if next(left, None) is not None else fail()
