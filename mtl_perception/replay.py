"""Play a rosbag2 over DDS, in its own time or faster, where there is no `ros2 bag play`."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message, serialize_message
from rosgraph_msgs.msg import Clock

from mtl_perception.messages.arrays import nanoseconds_of
from mtl_perception.messages.building import stamp_of
from mtl_perception.recordings.bag_reading import Bag, BagMessage, open_bag
from mtl_perception.recordings.errors import BagError, ReplayError
from mtl_perception.share import use_shared_memory_profile

_SETTLED = 0.5
"""Seconds without a new listener: those of one program are found one after the other."""
_HISTORY = 50
"""Messages of a topic kept for reliable listeners that fall behind: some seconds of a camera."""
_LAST_HEARD = Duration(seconds=5)
"""How long to wait at the end for reliable listeners to hear all."""
_SAME_CLOCK = 60 * 10**9
"""Nanoseconds between a message's stamp and its recording beyond which they are of different clocks."""


def check_playable(bag: Bag) -> None:
    """See that the bag's messages are such as ROS 2 sends.

    Raises:
        BagError: they are of ROS 1.
    """
    if bag.storage == "ros1":
        raise BagError(f"{bag.path} is of ROS 1 and cannot be played: `rosbags-convert --src {bag.path} --dst FOLDER`")


class BagPlayer:
    """Publishes the messages of a bag whose types are installed; says which topics are left out.

    Args:
        node: the node to publish from.
        bag: the bag; each message goes out as recorded, byte for byte, unless restamped.
        topics: the recorded topics to play, and the name each is published under; None plays all as recorded.
        restamp: move all stamps into the present, so that messages come as late after them as when they were
            recorded; or, where stamps are of another clock than the recording, so that the first comes at its
            stamp. Messages of one stamp keep one stamp; a stamp never set (0) becomes the time of going out.
        clock: publish the bag's time on /clock, for nodes with use_sim_time.

    Raises:
        BagError: no topic of the bag can be published, or it is of ROS 1.
    """

    def __init__(
        self,
        node: Node,
        bag: Bag,
        *,
        topics: Mapping[str, str] | None = None,
        restamp: bool = False,
        clock: bool = False,
    ) -> None:
        self._node = node
        self._bag = bag
        self._restamp = restamp
        self._types: dict[str, type] = {}
        self.publishers: dict[str, Publisher] = {}
        """By recorded topic."""
        check_playable(bag)
        for topic, recorded in bag.topics.items():
            if topics is not None and topic not in topics:
                continue
            package, name = recorded.type.split("/")[0], recorded.type.split("/")[-1]
            try:
                message_type = getattr(importlib.import_module(f"{package}.msg"), name)
            except (ImportError, AttributeError):
                node.get_logger().warning(f"{topic} left out: its type {recorded.type} is not installed")
                continue
            self._types[topic] = message_type
            qos = QoSProfile(depth=_HISTORY)
            if recorded.latched or topic == "/tf_static":  # which always is, whatever the recorder says
                qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
            self.publishers[topic] = node.create_publisher(message_type, topics[topic] if topics else topic, qos)
        if not self.publishers:
            raise BagError(bag.breaks_off or f"{bag.path} has no topic whose type is installed")
        self._clock = node.create_publisher(Clock, "/clock", 10) if clock else None

    def wait_for_listener(self, seconds: float) -> None:
        """Return once somebody listens to a topic of the bag and no more listeners turn up, or after ``seconds``."""
        deadline = time.monotonic() + seconds
        listeners, since = 0, time.monotonic()
        while (now := time.monotonic()) < deadline and self._node.context.ok():
            count = sum(p.get_subscription_count() for p in self.publishers.values())
            if count != listeners:
                listeners, since = count, now
            if listeners and now - since > _SETTLED:
                return
            time.sleep(0.02)

    def play(self, rate: float = 1.0, *, sent: Callable[[str, Any], None] | None = None) -> int:
        """Publish all messages, ``rate`` times as fast as recorded, and see that reliable listeners have them.

        Args:
            rate: 1 is the recorded pace.
            sent: given the recorded topic and the message just before each goes out.

        Returns:
            How many messages went out.

        Raises:
            BagError: the bag breaks off, or holds a message that is none of its type.
        """
        started = time.monotonic()
        stamps = _LiveStamps(self._node.get_clock().now().nanoseconds, rate)
        first, count = None, 0
        for message in self._bag.messages(list(self.publishers)):
            first = message.time if first is None else first
            time.sleep(max(0.0, started + (message.time - first) / 1e9 / rate - time.monotonic()))
            if not self._node.context.ok():  # a signal ended ROS while this slept
                break
            if self._clock:
                self._clock.publish(Clock(clock=stamp_of(message.time)))
            data: Any = message.data
            if self._restamp or sent:
                fields = self._fields(message)
                if self._restamp and hasattr(fields, "header"):
                    stamp = nanoseconds_of(fields.header.stamp)
                    fields.header.stamp = stamp_of(stamps.moved(stamp, message.time, first))
                    data = serialize_message(fields)
                if sent:
                    sent(message.topic, fields)
            self.publishers[message.topic].publish(data)
            count += 1
        if self._node.context.ok():
            for publisher in self.publishers.values():
                publisher.wait_for_all_acked(_LAST_HEARD)
        return count

    def _fields(self, message: BagMessage) -> Any:
        try:
            return deserialize_message(message.data, self._types[message.topic])
        except Exception as error:  # whatever the middleware raises
            raise BagError(f"{self._bag.path}: damaged message on {message.topic}: {error}") from error


def play_bag(
    path: Path, *, rate: float, loop: bool, restamp: bool, clock: bool, wait: float, arguments: Sequence[str] = ()
) -> None:
    """Play a bag from a node of its own, to its end or, with ``loop``, until ROS ends; prints what was played.

    Args:
        path: of the bag.
        rate, restamp, clock: as of ``BagPlayer``.
        loop: begin again at the end.
        wait: seconds to wait for somebody to listen.
        arguments: for rclpy, from ``--ros-args`` on.

    Raises:
        BagError: the bag is missing, empty or damaged, or breaks off.
        ReplayError: rclpy refuses ``arguments``.
    """
    use_shared_memory_profile()
    try:
        rclpy.init(args=["mtl-perception", *arguments])
    except RuntimeError as error:
        raise ReplayError(str(error)) from error
    node = Node("replay")
    try:
        with open_bag(path) as bag:
            player = BagPlayer(node, bag, restamp=restamp, clock=clock)
            player.wait_for_listener(wait)
            while True:
                count = player.play(rate)
                if not rclpy.ok():  # told to end: that nothing was played until then says nothing of the bag
                    return
                if not count:
                    raise BagError(f"{path} holds no messages")
                print(f"{count} messages played from {path}")
                if bag.breaks_off:
                    raise BagError(bag.breaks_off)
                if not loop:
                    return
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


class _LiveStamps:
    """Moves recorded stamps, ns, into the present, from which on the bag is played ``rate`` times as fast."""

    def __init__(self, present: int, rate: float) -> None:
        self._present = present
        self._rate = rate
        self._origin: int | None = None

    def moved(self, stamp: int, recorded: int, first: int) -> int:
        """The stamp of a message recorded at ``recorded``, the first of all at ``first``."""
        if not stamp:  # never set
            return self._present + round((recorded - first) / self._rate)
        if self._origin is None:
            self._origin = first if abs(recorded - stamp) < _SAME_CLOCK else stamp - (recorded - first)
        return self._present + round((stamp - self._origin) / self._rate)
