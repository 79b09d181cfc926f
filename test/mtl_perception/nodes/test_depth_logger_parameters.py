"""The depth logger's parameters: in the shipped file as in the code, and passed on by the command line."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from pathlib import Path

import pytest
import rclpy
import yaml
from rclpy.context import Context
from rclpy.node import Node

from mtl_perception.cli import main
from mtl_perception.depth_logger.key_frames import KeyFrameRules
from mtl_perception.nodes import depth_logger_node
from mtl_perception.nodes.depth_logger_parameters import DepthLoggerParameters
from mtl_perception.nodes.parameter_server import ParameterServer

CONFIG = Path(__file__).parents[3] / "config" / "depth_logger.yaml"
FIELDS = {field.name: field for field in dataclasses.fields(DepthLoggerParameters)}
TOPICS = ("image", "camera_info", "depth", "depth_camera_info", "odometry")


@contextmanager
def served(arguments: list[str]):
    """A node with the arguments of a command line, and its parameters."""
    context = Context()
    rclpy.init(args=arguments, context=context)
    node = Node("depth_logger", context=context)
    try:
        yield node, ParameterServer(node, DepthLoggerParameters())
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_the_shipped_file_lists_every_parameter_with_its_default_and_is_accepted():
    listed = yaml.safe_load(CONFIG.read_text())["/**"]["depth_logger"]["ros__parameters"]
    defaults = vars(DepthLoggerParameters())
    assert listed == defaults and list(listed) == list(defaults)
    assert [type(v) for v in listed.values()] == [type(v) for v in defaults.values()]
    with served(["test", "--ros-args", "--params-file", str(CONFIG)]) as (_, server):
        assert server.values == DepthLoggerParameters() and server.problems == {}


def test_all_are_fixed_and_every_rule_is_one():
    assert all(field.metadata["fixed"] for field in FIELDS.values())
    assert {field.name for field in dataclasses.fields(KeyFrameRules)} <= FIELDS.keys()
    values = dataclasses.replace(DepthLoggerParameters(), min_rotation=12.0, when_full="drop_least_useful")
    assert values.rules.min_rotation == values.told["min_rotation"] == 12.0
    assert values.told["when_full"] == "drop_least_useful"


def started(monkeypatch, *options: str) -> list[str]:
    """The arguments with which `log` starts the node."""
    taken = []
    monkeypatch.setattr(depth_logger_node, "main", lambda arguments, must_start: taken.append(arguments) or 0)
    assert main(["log", *options]) == 0
    return taken[0]


def test_log_passes_everything_on(monkeypatch):
    topics = [part for name in TOPICS for part in (f"--{name.replace('_', '-')}", f"/eye/{name}")]
    flags = ["--compressed", "--compressed-depth", "--robot", "5", "--namespace", "left/front/"]
    more = ["--ros-args", "-p", "min_interval:=2.0"]
    with served(started(monkeypatch, "my 'best' data", *topics, *flags, *more)) as (node, server):
        assert server.problems == {}
        assert (server.values.folder, server.values.robot) == ("my 'best' data", "5")
        assert (server.values.image_transport, server.values.depth_transport) == ("compressed", "compressedDepth")
        assert server.values.min_interval == 2.0
        assert [node.resolve_topic_name(name) for name in TOPICS] == [f"/eye/{name}" for name in TOPICS]
        assert node.get_namespace() == "/left/front"


def test_log_without_options_changes_nothing_but_the_folder(monkeypatch, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(CONFIG.read_text().replace('folder: "" ', "folder: other").replace("quota: 0.0", "quota: 5.0"))
    with served(started(monkeypatch, "here", "--params-file", str(file))) as (node, server):
        assert server.values == dataclasses.replace(DepthLoggerParameters(), folder="here", quota=5.0)
        assert [node.resolve_topic_name(name) for name in TOPICS] == [f"/{name}" for name in TOPICS]


def test_log_needs_a_folder(capsys):
    with pytest.raises(SystemExit):
        main(["log"])
    assert "folder" in capsys.readouterr().err


def test_what_is_hardly_meant_is_told():
    assert DepthLoggerParameters().remarks() == []
    (remark,) = DepthLoggerParameters(min_view_change=0.0).remarks()
    assert "a run keeps its first frame, and what ~/log_now asks for" in remark
    assert DepthLoggerParameters(min_view_change=0.0, keep_every=1.0).remarks() == []
    (remark,) = DepthLoggerParameters(when_full="drop_least_useful").remarks()
    assert "no effect without a quota" in remark
    assert DepthLoggerParameters(when_full="drop_least_useful", quota=1.0).remarks() == []
