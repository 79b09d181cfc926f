"""A node's parameters: declared, described, validated and read in one place, from the fields of a dataclass."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter


def parameter(
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
class Parameters:
    """What a node's parameters derive from: each field is one, made by ``parameter``."""

    def conflicts(self) -> dict[tuple[str, ...], str]:
        """What is wrong with parameters that are right by themselves, by their names."""
        return {}


Values = TypeVar("Values", bound=Parameters)


class ParameterServer(Generic[Values]):
    """Declares the fields of ``defaults`` on a node and keeps ``values`` true to what is set.

    A value of a wrong type or out of range in a parameters file does not end the node: ``problems``
    says what is wrong until it is set right, and the node refuses to configure meanwhile. A name in it that is none
    of the node's, which ROS passes over, is logged.

    Args:
        node: whose parameters they are.
        defaults: their values where none are given.
        on_change: is told which parameters have another value now; ``values`` has it.
    """

    def __init__(
        self, node: Node, defaults: Values, on_change: Callable[[set[str]], None] = lambda names: None
    ) -> None:
        self._node = node
        self._on_change = on_change
        self.locked = False
        """Whether fixed parameters are refused: true while the node is configured."""
        self.problems: dict[str, str] = {}
        """What is wrong with the parameters file, by parameter or parameters."""
        given = {f.name: self._declare(f.name, getattr(defaults, f.name), f.metadata) for f in fields(defaults)}
        self.values = replace(defaults, **given)
        for names, problem in self.values.conflicts().items():
            self.problems[_together(names)] = problem
        node.add_on_set_parameters_callback(self._on_set)
        for name in self._unknown():
            meant = difflib.get_close_matches(name, given, 1)
            hint = f"did you mean {meant[0]}?" if meant else f"there are: {', '.join(given)}"
            node.get_logger().warning(f"parameter {name} is none of this node's and is ignored; {hint}")

    def _unknown(self) -> list[str]:
        """What command line and file set that nobody declares; rclpy has no public name for what they set."""
        names = getattr(self._node, "_parameter_overrides", {})
        return [n for n in names if not (self._node.has_parameter(n) or n.startswith("qos_overrides."))]

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
        conflicts = values.conflicts()
        for names, problem in conflicts.items():
            if changes.keys() & set(names):
                return SetParametersResult(successful=False, reason=problem)
        before, self.values = self.values, values
        lasting = known.keys() - changes.keys() | {_together(names) for names in conflicts}
        self.problems = {name: text for name, text in self.problems.items() if name in lasting}
        self._on_change({name for name, value in changes.items() if value != getattr(before, name)})
        return SetParametersResult(successful=True)


def _together(names: Sequence[str]) -> str:
    """What parameters are called that are wrong only beside each other."""
    return " and ".join(names)


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
