"""Start, stop and the states between, of the real node in its own process."""

from __future__ import annotations

import signal
import time

import numpy as np
import pytest
from harness import NodeUnderTest, Robot, one_line
from lifecycle_msgs.msg import Transition
from network_file import card, write_network


def wait_for(process: NodeUnderTest, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in process.log:
        assert time.monotonic() < deadline and process.process.poll() is None, process.log
        time.sleep(0.05)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_node_cleanly(network, sign):
    process = NodeUnderTest("-p", f"model:={network}")
    deadline = time.monotonic() + 20
    while "classes" not in process.log and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.stop(sign) == 0, process.log
    assert "Traceback" not in process.log


def test_lifecycle_by_hand_and_a_model_that_is_wrong_at_first(network):
    rgb = np.full((48, 64, 3), 100, np.uint8)
    process = NodeUnderTest("-p", "autostart:=false", "-p", "model:=/nowhere/missing.onnx")
    robot = Robot()
    try:
        assert robot.state == "unconfigured"
        assert not robot.transition(Transition.TRANSITION_CONFIGURE)
        assert robot.state == "unconfigured"
        assert "cannot read the network file /nowhere/missing.onnx: No such file" in process.log
        assert robot.set(model=str(network))[0].successful
        assert robot.transition(Transition.TRANSITION_CONFIGURE)
        assert robot.transition(Transition.TRANSITION_ACTIVATE)
        robot.wait_until_heard()
        robot.answer(robot.frame(rgb))
        assert robot.transition(Transition.TRANSITION_DEACTIVATE)
        robot.wait_for_diagnostics(lambda d: d["active"] == "false")
        assert robot.transition(Transition.TRANSITION_ACTIVATE)
        robot.wait_until_heard()
        robot.answer(robot.frame(rgb))
        assert robot.transition(Transition.TRANSITION_DEACTIVATE)
        assert robot.transition(Transition.TRANSITION_CLEANUP)
        assert robot.set(warm_up_runs=0)[0].successful
        assert "Traceback" not in process.log
    finally:
        robot.close()
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("missing", "cannot read the network file"),
        ("truncated", "damaged or no ONNX file"),
        ("not ONNX", "damaged or no ONNX file"),
        ("no card", "has no card: make the file with `python -m training export`"),
        ("wrong output", "its output depth should be float32"),
        ("wrong size", "the card's input size is not the network's"),
    ],
)
def test_a_bad_model_fails_configure_with_one_line(tmp_path, damage, complaint):
    path = tmp_path / "bad.onnx"
    if damage == "truncated":
        path.write_bytes(write_network(tmp_path / "good.onnx").read_bytes()[:300])
    elif damage == "not ONNX":
        path.write_text("hello")
    elif damage == "no card":
        write_network(path, card_text=None)
    elif damage == "wrong output":
        write_network(path, depth_output="distance")
    elif damage == "wrong size":
        write_network(path, card_text=card(480, 640).to_json())
    process = NodeUnderTest("-p", f"model:={path}")
    try:
        wait_for(process, "cannot configure")
        assert str(path) in one_line(process.log, complaint)
        assert process.process.poll() is None
    finally:
        assert process.stop() == 0


def test_an_unknown_provider_fails_configure_naming_those_there_are(network):
    process = NodeUnderTest("-p", f"model:={network}", "-p", "providers:=[AbacusExecutionProvider]")
    try:
        wait_for(process, "cannot configure")
        assert "CPUExecutionProvider" in one_line(process.log, "AbacusExecutionProvider is not in this onnxruntime")
    finally:
        assert process.stop() == 0


def test_a_wrong_parameters_file_is_named_and_can_be_mended(network, tmp_path):
    file = tmp_path / "wrong.yaml"
    settings = {"model": network, "max_rate": "fast", "overlay_opacity": 7.0, "max_age": 3}
    lines = [f"    {name}: {value}" for name, value in settings.items()]
    file.write_text("\n".join(["perception:", "  ros__parameters:", *lines, ""]))
    process = NodeUnderTest("--params-file", str(file))
    robot = Robot()
    try:
        wait_for(process, "cannot configure")
        one_line(process.log, "parameter max_rate is 'fast'; it must be a number within 0.0 and 1000.0")
        one_line(process.log, "parameter overlay_opacity is 7.0; it must be a number within 0.0 and 1.0")
        assert "max_age" not in process.log  # a whole number will do for a number
        assert robot.state == "unconfigured"
        assert all(r.successful for r in robot.set(max_rate=10.0, overlay_opacity=0.5))
        assert robot.transition(Transition.TRANSITION_CONFIGURE)
    finally:
        robot.close()
        assert process.stop() == 0
