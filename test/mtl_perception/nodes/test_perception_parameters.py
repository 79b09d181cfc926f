"""Parameters: declared with all that tools show, read from a file whatever it holds, and kept right at run time."""

from __future__ import annotations

import dataclasses
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
import rclpy
import yaml
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from mtl_perception.nodes.parameter_server import ParameterServer
from mtl_perception.nodes.perception_parameters import PerceptionParameters

CONFIG = Path(__file__).parents[3] / "config" / "perception.yaml"
FIELDS = {field.name: field for field in dataclasses.fields(PerceptionParameters)}


@contextmanager
def served(*arguments: str):
    """A node with the arguments of a command line, and its parameters."""
    context = Context()
    rclpy.init(args=["test", "--ros-args", *arguments], context=context)
    node = Node("perception", context=context)
    try:
        yield node, ParameterServer(node, PerceptionParameters())
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


@contextmanager
def started_with(tmp_path: Path, **settings):
    """A node with a parameters file, whose values are YAML as a person writes it."""
    file = tmp_path / "parameters.yaml"
    lines = [f"    {name}: {value}" for name, value in settings.items()]
    file.write_text("\n".join(["perception:", "  ros__parameters:", *lines, ""]))
    with served("--params-file", str(file)) as (node, server):
        yield node, server


def set_values(node: Node, **values) -> list[str]:
    """Set parameters one by one; the reasons of those that were refused."""
    results = node.set_parameters([Parameter(name, value=value) for name, value in values.items()])
    return [result.reason for result in results if not result.successful]


@pytest.fixture(scope="module")
def shared():
    with served() as (node, server):
        yield node, server


@pytest.fixture
def running(shared):
    """A node with default parameters, which are restored afterwards."""
    node, server = shared
    yield node, server
    server.locked = False
    defaults = {n: list(f) or [""] if isinstance(f, tuple) else f for n, f in vars(PerceptionParameters()).items()}
    node.set_parameters_atomically([Parameter(name, value=value) for name, value in defaults.items()])
    assert server.values == PerceptionParameters()


# What a person sees


def test_defaults_are_those_of_the_class(running):
    node, server = running
    assert server.values == PerceptionParameters() and server.problems == {} and not server.locked
    for name, value in vars(server.values).items():
        shown = node.get_parameter(name).value
        assert shown == (list(value or ("",)) if isinstance(value, tuple) else value), name


@pytest.mark.parametrize("name", FIELDS)
def test_every_parameter_is_described_and_bounded(running, name):
    descriptor = running[0].describe_parameter(name)
    assert descriptor.description.endswith(".") and len(descriptor.description) > 20
    default = getattr(PerceptionParameters(), name)
    if isinstance(default, float):
        (bounds,) = descriptor.floating_point_range
        assert bounds.from_value <= default <= bounds.to_value
    elif type(default) is int:
        (bounds,) = descriptor.integer_range
        assert bounds.from_value <= default <= bounds.to_value
    for choice in FIELDS[name].metadata["choices"]:
        assert choice in descriptor.additional_constraints


def test_the_shipped_file_lists_every_parameter_with_its_default():
    listed = yaml.safe_load(CONFIG.read_text())["/**"]["perception"]["ros__parameters"]
    values = {
        name: tuple(v for v in value if v) if isinstance(value, list) else value for name, value in listed.items()
    }
    assert values == vars(PerceptionParameters())
    assert [type(v) for v in values.values()] == [type(v) for v in vars(PerceptionParameters()).values()]
    assert list(values) == list(FIELDS)


def test_the_shipped_file_marks_the_fixed_parameters():
    marked = re.findall(r"^ +(\w+):.*# \*", CONFIG.read_text(), re.MULTILINE)
    assert marked == [name for name, field in FIELDS.items() if field.metadata["fixed"]]


def test_the_shipped_file_is_accepted():
    with served("--params-file", str(CONFIG)) as (_, server):
        assert server.values == PerceptionParameters() and server.problems == {}


# A parameters file


def test_right_values_are_taken(tmp_path):
    settings = dict(model="/data/kitchen.onnx", providers="[CUDAExecutionProvider, CPUExecutionProvider]", threads=3)
    settings |= dict(max_rate=12.5, enabled="false", depth_encoding="16UC1", min_depth=0.3, max_depth=4.0)
    with started_with(tmp_path, **settings) as (_, server):
        assert server.problems == {}
        assert server.values == PerceptionParameters(
            model="/data/kitchen.onnx",
            providers=("CUDAExecutionProvider", "CPUExecutionProvider"),
            threads=3,
            max_rate=12.5,
            enabled=False,
            depth_encoding="16UC1",
            min_depth=0.3,
            max_depth=4.0,
        )


def test_a_whole_number_will_do_for_a_number(tmp_path):
    with started_with(tmp_path, max_rate=10, overlay_opacity=1, max_age=0) as (node, server):
        assert server.problems == {}
        assert (server.values.max_rate, server.values.overlay_opacity, server.values.max_age) == (10.0, 1.0, 0.0)
        assert type(server.values.max_rate) is float and node.get_parameter("max_rate").value == 10.0
        assert set_values(node, max_rate=7.5) == []


@pytest.mark.parametrize("empty", ["[]", '[""]'])
def test_an_empty_list_is_a_list(tmp_path, empty):
    with started_with(tmp_path, providers=empty) as (node, server):
        assert server.problems == {} and server.values.providers == ()
        assert set_values(node, providers=["CPUExecutionProvider"]) == []
        assert server.values.providers == ("CPUExecutionProvider",)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("max_rate", "fast", "parameter max_rate is 'fast'; it must be a number within 0.0 and 1000.0"),
        ("max_rate", "-1", "max_rate is -1; it must be a number within 0.0 and 1000.0"),
        ("max_rate", "-1.0", "max_rate is -1.0; it must be a number within 0.0 and 1000.0"),
        ("max_rate", ".nan", "max_rate is nan"),
        ("max_rate", ".inf", "max_rate is inf"),
        ("max_rate", "true", "max_rate is True"),
        ("max_rate", "[1.0]", "max_rate is [1.0]"),
        ("threads", "2.0", "threads is 2.0; it must be a whole number within 0 and 256"),
        ("threads", "-1", "threads is -1"),
        ("threads", "257", "threads is 257"),
        ("threads", "false", "threads is False"),
        ("enabled", "1", "enabled is 1; it must be true or false"),
        ("enabled", '"yes"', "enabled is 'yes'; it must be true or false"),
        ("model", "5", "model is 5; it must be text"),
        ("providers", "CPUExecutionProvider", "providers is 'CPUExecutionProvider'; it must be a list of text"),
        ("providers", "[1, 2]", "providers is [1, 2]; it must be a list of text"),
        ("depth_encoding", "mono8", "depth_encoding is 'mono8'; it must be one of: 32FC1, 16UC1"),
        ("depth_encoding", "16", "depth_encoding is 16; it must be"),
        ("image_timeout", "0.0", "image_timeout is 0.0; it must be a number within 0.5 and 3600.0"),
        ("overlay_opacity", "1.01", "overlay_opacity is 1.01; it must be a number within 0.0 and 1.0"),
    ],
)
def test_a_wrong_value_is_named_and_the_default_kept_until_it_is_set_right(tmp_path, name, value, complaint):
    default = getattr(PerceptionParameters(), name)
    with started_with(tmp_path, **{name: value}) as (node, server):
        assert list(server.problems) == [name] and complaint in server.problems[name]
        assert server.values == PerceptionParameters()
        assert set_values(node, **{name: list(default) or ["x"] if isinstance(default, tuple) else default}) == []
        assert server.problems == {}


def test_one_wrong_value_does_not_spoil_the_others(tmp_path):
    with started_with(tmp_path, max_rate="fast", max_age=3, model="mine.onnx", depth_encoding="green") as (_, server):
        assert sorted(server.problems) == ["depth_encoding", "max_rate"]
        assert (server.values.max_age, server.values.model) == (3.0, "mine.onnx")


@pytest.mark.parametrize("mend", [{"min_depth": 1.0}, {"max_depth": 9.0}, {"max_depth": 0.0}])
def test_a_range_upside_down_is_named_until_either_end_is_set_right(tmp_path, mend):
    with started_with(tmp_path, min_depth=5.0, max_depth=2.0) as (node, server):
        assert list(server.problems.values()) == ["parameter min_depth 5.0 is not below max_depth 2.0"]
        assert set_values(node, max_rate=3.0) == [] and server.problems
        assert set_values(node, min_depth=4.0) == ["parameter min_depth 4.0 is not below max_depth 2.0"]
        assert set_values(node, **mend) == []
        assert server.problems == {}


# Run time


def test_a_change_is_seen_at_once(running):
    node, server = running
    assert set_values(node, max_rate=5.0, enabled=False, output_size="network") == []
    assert (server.values.max_rate, server.values.enabled, server.values.output_size) == (5.0, False, "network")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("max_rate", -1.0, "max_rate"),
        ("max_rate", float("nan"), "max_rate"),
        ("max_rate", "fast", "type"),
        ("threads", 1000, "threads"),
        ("enabled", 1, "type"),
        ("depth_encoding", "mono8", "parameter depth_encoding is 'mono8'; it must be one of: 32FC1, 16UC1"),
        ("output_size", "", "must be one of: image, network"),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(running, name, value, reason):
    node, server = running
    (refusal,) = set_values(node, **{name: value})
    assert reason in refusal
    assert server.values == PerceptionParameters()
    assert node.get_parameter(name).value == getattr(PerceptionParameters(), name)


def test_the_range_is_kept_the_right_way_up(running):
    node, server = running
    assert set_values(node, min_depth=3.0) == []  # max_depth 0 is the network's
    assert set_values(node, max_depth=2.0) == ["parameter min_depth 3.0 is not below max_depth 2.0"]
    assert set_values(node, max_depth=3.0) != []
    assert server.values.max_depth == 0.0
    both = [Parameter("min_depth", value=4.0), Parameter("max_depth", value=8.0)]
    assert node.set_parameters_atomically(both).successful
    assert (server.values.min_depth, server.values.max_depth) == (4.0, 8.0)


@pytest.mark.parametrize("name", FIELDS)
def test_fixed_parameters_are_refused_while_locked_and_others_taken(running, name):
    node, server = running
    default = getattr(PerceptionParameters(), name)
    choices = FIELDS[name].metadata["choices"]
    other = {bool: lambda: not default, int: lambda: default + 1, float: lambda: default + 0.25}.get(
        type(default), lambda: choices[1] if choices else "x"
    )()
    other = ["x"] if isinstance(default, tuple) else other
    server.locked = True
    refusals = set_values(node, **{name: other})
    if FIELDS[name].metadata["fixed"]:
        assert refusals == [f"{name} is fixed while the node is configured: deactivate and clean up first"]
        assert server.values == PerceptionParameters()
        server.locked = False
        assert set_values(node, **{name: other}) == []
    else:
        assert refusals == []
    assert getattr(server.values, name) == (tuple(other) if isinstance(other, list) else other)


def test_setting_a_fixed_parameter_to_what_it_is_is_no_change(running):
    node, server = running
    server.locked = True
    assert set_values(node, model="", providers=[""], threads=0) == []


def test_a_parameter_cannot_be_taken_away(running):
    node, server = running
    assert node.set_parameters([Parameter("max_rate", Parameter.Type.NOT_SET)])[0].successful is False
    assert server.values == PerceptionParameters()


def test_parameters_of_others_are_let_through(running):
    assert set_values(running[0], use_sim_time=True) == []
    assert set_values(running[0], use_sim_time=False) == []


def test_a_name_that_is_no_parameter_is_told_with_what_was_meant(capfd):
    arguments = ("-p", "min_confidense:=0.4", "-p", "foo:=1", "-p", "use_sim_time:=true", "-p", "model:=mine.onnx")
    with served(*arguments, "-p", "qos_overrides./image.subscription.depth:=2"):
        pass
    told = [line for line in capfd.readouterr().err.splitlines() if "is none of this node's" in line]
    assert (
        len(told) == 2
        and "min_confidense is none of this node's and is ignored; did you mean min_confidence?" in told[0]
    )
    assert "foo is none of this node's and is ignored; there are: autostart, " in told[1]
