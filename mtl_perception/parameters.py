"""The perception node's parameters: declared, described, validated and read in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

_RANGE = "min_depth and max_depth"
"""What the two are called together, where one is wrong only beside the other."""


def _parameter(
    default: Any,
    description: str,
    *,
    bounds: tuple[float, float] | None = None,
    choices: Sequence[str] = (),
    fixed: bool = False,
) -> Any:
    """A field that is a parameter; ``fixed`` ones change only while the node is not configured."""
    metadata = {"description": description, "bounds": bounds, "choices": tuple(choices), "fixed": fixed}
    if isinstance(default, tuple):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class PerceptionParameters:
    """Every parameter of the perception node, with its default."""

    autostart: bool = _parameter(
        True, "Configure and activate at start; false leaves it to a lifecycle manager.", fixed=True
    )
    model: str = _parameter(
        "",
        "Network file (.onnx). A bare name is looked up among the shipped ones; empty takes the shipped one. Read at "
        "configure, and at ~/reload (std_srvs/Trigger) while the node runs.",
    )
    providers: tuple[str, ...] = _parameter(
        (),
        "ONNX Runtime execution providers in order of preference; empty takes CUDA where it is, else the CPU.",
        fixed=True,
    )
    threads: int = _parameter(0, "Threads within an operator on a CPU; 0 is one a core.", bounds=(0, 256), fixed=True)
    warm_up_runs: int = _parameter(
        2, "Blank frames run at configure, so that the first real one is fast.", bounds=(0, 100), fixed=True
    )
    image_transport: str = _parameter(
        "raw",
        "Type of the topic `image`: raw (Image) or compressed (CompressedImage).",
        choices=("raw", "compressed"),
        fixed=True,
    )
    enabled: bool = _parameter(True, "Process frames; ~/enable (std_srvs/SetBool) sets it too.")
    max_rate: float = _parameter(0.0, "Frames a second to process at the most; 0 is no limit.", bounds=(0.0, 1000.0))
    max_age: float = _parameter(
        0.0,
        "Drop frames whose stamp is older than this when their turn comes, seconds; 0 drops none.",
        bounds=(0.0, 3600.0),
    )
    image_timeout: float = _parameter(
        5.0, "Seconds without a frame before the node says who publishes what.", bounds=(0.5, 3600.0)
    )
    depth_encoding: str = _parameter(
        "32FC1", "32FC1: metres (REP 117). 16UC1: millimetres (REP 118).", choices=("32FC1", "16UC1")
    )
    min_depth: float = _parameter(
        0.0, "Depth below is published as too near, metres; 0 takes the network's range.", bounds=(0.0, 1000.0)
    )
    max_depth: float = _parameter(
        0.0, "Depth above is published as too far, metres; 0 takes the network's range.", bounds=(0.0, 1000.0)
    )
    min_confidence: float = _parameter(0.0, "Probability below which a pixel gets no class but 255.", bounds=(0.0, 1.0))
    output_size: str = _parameter(
        "image",
        "Size of all outputs: image (the camera's own) or network (smaller messages).",
        choices=("image", "network"),
    )
    overlay_opacity: float = _parameter(0.5, "Opacity of the classes in segmentation/overlay.", bounds=(0.0, 1.0))

    def depth_range(self, network: tuple[float, float]) -> tuple[float, float]:
        """Least and greatest depth to publish as depth, metres; ``network`` is its own range with this camera."""
        return self.min_depth or network[0], self.max_depth or network[1]


class ParameterServer:
    """Declares ``PerceptionParameters`` on a node and keeps ``values`` true to what is set.

    A value of a wrong type or out of range in a parameters file does not end the node: ``problems``
    says what is wrong until it is set right, and the node refuses to configure meanwhile.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self.locked = False
        """Whether fixed parameters are refused: true while the node is configured."""
        self.problems: dict[str, str] = {}
        """What is wrong with the parameters file, by parameter or parameters."""
        self.values = PerceptionParameters()
        given = {f.name: self._declare(f.name, getattr(self.values, f.name), f.metadata) for f in fields(self.values)}
        self.values = replace(self.values, **given)
        problem = _inconsistent(self.values)
        if problem:
            self.problems[_RANGE] = problem
        node.add_on_set_parameters_callback(self._on_set)

    def _declare(self, name: str, default: Any, metadata: Any) -> Any:
        # rclpy cannot tell the type of an empty list, so [""] stands for it.
        value = (list(default) or [""]) if isinstance(default, tuple) else default
        descriptor = _descriptor(value, metadata)
        try:
            given = self._node.declare_parameter(name, value, descriptor).value
            problem = _wrong_choice(name, given, metadata)
        except (InvalidParameterTypeException, InvalidParameterValueException):
            given = self._given(name)
            if isinstance(value, float) and type(given) is int:  # `max_rate: 10` in YAML
                try:
                    return self._node.declare_parameter(name, float(given), descriptor, ignore_override=True).value
                except InvalidParameterValueException:
                    pass
            problem = f"parameter {name} is {given!r}; it must be {_wanted(value, metadata)}"
            self._node.declare_parameter(name, value, descriptor, ignore_override=True)
        if problem:
            self.problems[name] = problem
            return default
        return _value(given)

    def _given(self, name: str) -> Any:
        """What the parameters file says, whatever its type."""
        value = self._node.declare_parameter(name, None, ParameterDescriptor(dynamic_typing=True)).value
        self._node.undeclare_parameter(name)
        return value

    def _on_set(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        known = {f.name: f.metadata for f in fields(self.values)}
        changes = {p.name: _value(p.value) for p in parameters if p.name in known}
        for name, value in changes.items():
            if self.locked and known[name]["fixed"] and value != getattr(self.values, name):
                reason = f"{name} is fixed while the node is configured: deactivate and clean up first"
                return SetParametersResult(successful=False, reason=reason)
            problem = _wrong_choice(name, value, known[name])
            if problem:
                return SetParametersResult(successful=False, reason=problem)
        values = replace(self.values, **changes)
        problem = _inconsistent(values)
        if problem and changes.keys() & {"min_depth", "max_depth"}:
            return SetParametersResult(successful=False, reason=problem)
        self.values = values
        mended = changes.keys() if problem else changes.keys() | {_RANGE}
        self.problems = {name: text for name, text in self.problems.items() if name not in mended}
        return SetParametersResult(successful=True)


def _value(value: Any) -> Any:
    # None is how an empty list in a parameters file arrives.
    return tuple(v for v in value or () if v) if value is None or isinstance(value, list) else value


def _descriptor(value: Any, metadata: Any) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=metadata["description"])
    if metadata["choices"]:
        descriptor.additional_constraints = "one of: " + ", ".join(metadata["choices"])
    if metadata["bounds"]:
        low, high = metadata["bounds"]
        if isinstance(value, int):
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
        else:
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
    return descriptor


def _wanted(value: Any, metadata: Any) -> str:
    kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list of text"}[
        type(value)
    ]
    return kind + (" within {} and {}".format(*metadata["bounds"]) if metadata["bounds"] else "")


def _wrong_choice(name: str, value: Any, metadata: Any) -> str | None:
    if metadata["choices"] and value not in metadata["choices"]:
        return f"parameter {name} is {value!r}; it must be one of: {', '.join(metadata['choices'])}"
    return None


def _inconsistent(values: PerceptionParameters) -> str | None:
    if values.max_depth and values.min_depth >= values.max_depth:
        return f"parameter min_depth {values.min_depth} is not below max_depth {values.max_depth}"
    return None
