"""Play a rosbag2 over DDS, in its own time or faster, where there is no `ros2 bag play`."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable

from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.serialization import deserialize_message, serialize_message
from rosgraph_msgs.msg import Clock

from mtl_perception.bags import Bag, BagError, BagMessage
from mtl_perception.message_building import stamp_of
from mtl_perception.messages import nanoseconds_of

_SETTLED = 0.5
"""Seconds without a new listener: those of one program are found one after the other."""


class BagPlayer:
    """Publishes the messages of a bag whose types are installed; says which topics are left out.

    Args:
        node: the node to publish from.
        bag: the bag; each message goes out as recorded, byte for byte, unless restamped.
        restamp: move all stamps so that the first lies in the present, as a live camera's; messages of one
            stamp keep one stamp.
        clock: publish the bag's time on /clock, for nodes with use_sim_time.

    Raises:
        BagError: no topic of the bag can be published.
    """

    def __init__(self, node: Node, bag: Bag, *, restamp: bool = False, clock: bool = False) -> None:
        self._node = node
        self._bag = bag
        self._restamp = restamp
        self._types: dict[str, type] = {}
        self.publishers: dict[str, Publisher] = {}
        for topic, kind in bag.topics.items():
            package, name = kind.split("/")[0], kind.split("/")[-1]
            try:
                message_type = getattr(importlib.import_module(f"{package}.msg"), name)
            except (ImportError, AttributeError):
                node.get_logger().warning(f"{topic} left out: its type {kind} is not installed")
                continue
            self._types[topic] = message_type
            self.publishers[topic] = node.create_publisher(message_type, topic, 10)
        if not self.publishers:
            raise BagError(f"{bag.path} has no topic whose type is installed")
        self._clock = node.create_publisher(Clock, "/clock", 10) if clock else None

    def wait_for_listener(self, seconds: float) -> None:
        """Return once somebody listens to a topic of the bag and no more listeners turn up, or after ``seconds``."""
        deadline = time.monotonic() + seconds
        listeners, since = 0, time.monotonic()
        while (now := time.monotonic()) < deadline:
            count = sum(p.get_subscription_count() for p in self.publishers.values())
            if count != listeners:
                listeners, since = count, now
            if listeners and now - since > _SETTLED:
                return
            time.sleep(0.02)

    def play(self, rate: float = 1.0, *, sent: Callable[[str, Time | None], None] | None = None) -> int:
        """Publish all messages, ``rate`` times as fast as recorded.

        Args:
            rate: 1 is the recorded pace.
            sent: told the topic and the header stamp (None without header) just before each message goes out.

        Returns:
            How many messages went out.
        """
        started, present = time.monotonic(), self._node.get_clock().now().nanoseconds
        first, count = None, 0
        for message in self._bag.messages(list(self.publishers)):
            first = message.time if first is None else first
            time.sleep(max(0.0, started + (message.time - first) / 1e9 / rate - time.monotonic()))
            if not self._node.context.ok():  # a signal ended ROS while this slept
                break
            if self._clock:
                self._clock.publish(Clock(clock=stamp_of(message.time)))
            data, stamp = self._prepare(message, lambda t, first=first: present + round((t - first) / rate))
            if sent:
                sent(message.topic, stamp)
            self.publishers[message.topic].publish(data)
            count += 1
        return count

    def _prepare(self, message: BagMessage, moved: Callable[[int], int]) -> tuple[bytes, Time | None]:
        """The bytes to publish and their header stamp, ``moved`` (ns to ns) if stamps are to be."""
        fields = deserialize_message(message.data, self._types[message.topic])
        header = getattr(fields, "header", None)
        if header is None:
            return message.data, None
        if not self._restamp:
            return message.data, header.stamp
        header.stamp = stamp_of(moved(nanoseconds_of(header.stamp)))
        return serialize_message(fields), header.stamp
