"""A node's process ends cleanly on a signal, whatever the signal falls into, and not on anything else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="needs ROS, or its wheels")

from mtl_perception.nodes import node_main


class Ros(SimpleNamespace):
    """Stands in for rclpy; a signal ends it a little after it came."""

    def __init__(self, error: BaseException, asked_until_ended: int) -> None:
        super().__init__(error=error, left=asked_until_ended)

    def init(self, args) -> None:
        pass

    def spin(self, node) -> None:
        raise self.error

    def ok(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def try_shutdown(self) -> None:
        pass


@pytest.fixture
def run(monkeypatch):
    def run(error: BaseException, asked_until_ended: int) -> tuple[int, list[str]]:
        monkeypatch.setattr(node_main, "rclpy", Ros(error, asked_until_ended))
        monkeypatch.setattr(node_main.signal, "signal", lambda *ignored: None)
        done: list[str] = []
        node = SimpleNamespace(stop=lambda: done.append("stop"), destroy_node=lambda: done.append("destroy"))
        try:
            return node_main.run_node(lambda: node, "a_node", None), done
        finally:
            assert done == ["stop", "destroy"]

    return run


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), RuntimeError("Unable to convert call argument '0' to Python object")]
)
def test_a_signal_that_falls_into_taking_a_message_ends_the_node_cleanly(run, error):
    assert run(error, asked_until_ended=3)[0] == 0


def test_an_error_without_a_signal_is_not_hidden(run, monkeypatch):
    monkeypatch.setattr(node_main, "_SIGNAL_TAKES", 0.05)
    with pytest.raises(RuntimeError, match="a fault"):
        run(RuntimeError("a fault"), asked_until_ended=10**9)


def test_a_node_that_must_start_and_has_not_ends_with_2(monkeypatch):
    monkeypatch.setattr(node_main, "rclpy", Ros(KeyboardInterrupt(), 3))
    monkeypatch.setattr(node_main.signal, "signal", lambda *ignored: None)
    for has_started, must_start, code in ((False, True, 2), (False, False, 0), (True, True, 0)):
        done: list[str] = []
        node = SimpleNamespace(
            has_started=has_started,
            stop=lambda d=done: d.append("stop"),
            destroy_node=lambda d=done: d.append("destroy"),
        )
        assert node_main.run_node(lambda node=node: node, "a_node", None, must_start=must_start) == code
        assert done == ["stop", "destroy"]


def test_unknown_ros_arguments_are_named(capsys):
    assert node_main.run_node(lambda: pytest.fail("it started"), "a_node", ["a_node", "--ros-args", "--blah"]) == 2
    assert capsys.readouterr().err == "a_node cannot start: unknown ROS arguments ['--blah']\n"
