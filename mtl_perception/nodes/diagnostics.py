"""What a node says of itself on /diagnostics, and of cameras it cannot hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy

from mtl_perception.stream_statistics import Summary

_TRANSPORTS = {
    "image": {"sensor_msgs/msg/Image": "raw", "sensor_msgs/msg/CompressedImage": "compressed"},
    "depth": {"sensor_msgs/msg/Image": "raw", "sensor_msgs/msg/CompressedImage": "compressedDepth"},
}
"""Value of the parameter NAME_transport with which the topic NAME takes a type."""


def diagnostic_array(node: Node, summary: Summary, facts: dict[str, str], complaints: list[str]) -> DiagnosticArray:
    """What the perception node says of its stream: OK, or WARN with the complaints, and every figure."""
    figures = dict(facts)
    figures["rate in [Hz]"] = f"{summary.rate_in:.2f}"
    figures["rate out [Hz]"] = f"{summary.rate_out:.2f}"
    for label, timing in (("median", summary.median), ("95th percentile", summary.p95)):
        if timing:
            figures[f"network {label} [ms]"] = f"{timing.network:.2f}"
            figures[f"end to end {label} [ms]"] = f"{timing.end_to_end:.2f}"
            figures[f"age {label} [ms]"] = f"{timing.age:.2f}"
    figures["frames received"] = str(summary.received)
    figures["frames published"] = str(summary.published)
    figures["frames dropped"] = str(sum(summary.dropped.values()))
    for reason, count in sorted(summary.dropped.items()):
        figures[f"dropped: {reason}"] = str(count)
    fine = f"{summary.rate_out:.1f} frames/s"
    return status_array(node, "perception", facts.get("device", ""), figures, complaints, fine)


def status_array(
    node: Node, task: str, hardware: str, figures: Mapping[str, str], complaints: Sequence[str], fine: str
) -> DiagnosticArray:
    """One status: OK with ``fine`` as its message, or WARN with the complaints, and figures as keys and values."""
    status = DiagnosticStatus(
        name=f"{node.get_fully_qualified_name()}: {task}",
        hardware_id=hardware,
        level=DiagnosticStatus.WARN if complaints else DiagnosticStatus.OK,
        message="; ".join(complaints) or fine,
        values=[KeyValue(key=key, value=value) for key, value in figures.items()],
    )
    array = DiagnosticArray(status=[status])
    array.header.stamp = node.get_clock().now().to_msg()
    return array


def unheard_clock(node: Node) -> list[str]:
    """A complaint where the node takes its time from /clock and nothing has come there; then it stands at 0."""
    clock = node.get_clock()
    if not clock.ros_time_is_active or clock.now().nanoseconds:
        return []
    return [
        "use_sim_time is true, and no time has come on /clock: play the bag with --clock, start the simulator, or "
        "leave use_sim_time false"
    ]


def why_silent(node: Node, topic: str, wanted_type: str, name: str = "image") -> str:
    """Say who publishes ``topic``, with which type and QoS, or which topics of the type there are instead.

    Args:
        node: who listens.
        topic: to what.
        wanted_type: such as ``"sensor_msgs/msg/Image"``.
        name: what the node itself calls the topic, before it is remapped.
    """
    publishers = node.get_publishers_info_by_topic(topic)
    if publishers:
        described = [
            f"{p.node_namespace.rstrip('/')}/{p.node_name} ({p.topic_type}, {_name(p.qos_profile.reliability)}, "
            f"{_name(p.qos_profile.durability)})"
            for p in publishers
        ]
        text = f"no frame on {topic}, published by {', '.join(described)}"
        if all(p.topic_type != wanted_type for p in publishers):
            transport = _TRANSPORTS.get(name, {}).get(publishers[0].topic_type)
            advice = f"set {name}_transport to {transport}" if transport else f"remap {name} to a camera's topic"
            return f"{text}: the node expects {wanted_type}, {advice}"
        return f"{text}: it is silent, or on another machine whose multicast or firewall stops the data"
    others = sorted(
        name for name, types in node.get_topic_names_and_types() if wanted_type in types and node.count_publishers(name)
    )
    others = [name for name in others if not _is_own(node, name)]
    # Of a name that was misspelt what was meant comes first.
    others.sort(key=lambda other: -SequenceMatcher(None, topic, other).ratio())
    hint = f"remap {name} to one of: {', '.join(others)}" if others else f"and no other topic carries {wanted_type}"
    return f"no frame on {topic}: nobody publishes it; {hint}"


def _is_own(node: Node, topic: str) -> bool:
    own = (node.get_name(), node.get_namespace())
    return all((p.node_name, p.node_namespace) == own for p in node.get_publishers_info_by_topic(topic))


def _name(policy: ReliabilityPolicy) -> str:
    return policy.name.lower().replace("_", " ")
