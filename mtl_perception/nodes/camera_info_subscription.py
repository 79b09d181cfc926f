"""A camera_info topic heard as cameras publish it: with every image, or once, latched, before the node came."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

_LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class CameraInfoSubscription:
    """Hears every camera, reliable or not.

    What was latched comes only to a subscription that asks for it, and that one hears no camera that does not latch;
    so there may be two.

    Args:
        node: who listens.
        topic: to what, as the node calls it.
        callback: is given each message, and may be given one twice.
        qos: of cameras that do not latch.
    """

    def __init__(self, node: Node, topic: str, callback: Callable[[CameraInfo], None], qos: QoSProfile) -> None:
        self._node = node
        self._topic = topic
        self._callback = callback
        self._heard = False
        self._subscriptions = [node.create_subscription(CameraInfo, topic, self._on_message, qos)]
        self.topic_name = self._subscriptions[0].topic_name

    @property
    def is_published(self) -> bool:
        """Whether anybody publishes the topic."""
        return self._node.count_publishers(self.topic_name) > 0

    def hear_latched(self) -> None:
        """Hear what was latched too, if nothing came yet and somebody is seen by now to latch."""
        if self._heard or len(self._subscriptions) > 1:
            return
        publishers = self._node.get_publishers_info_by_topic(self.topic_name)
        if any(p.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in publishers):
            subscription = self._node.create_subscription(CameraInfo, self._topic, self._on_message, _LATCHED)
            self._subscriptions.append(subscription)

    def destroy(self) -> None:
        """Listen no more."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_message(self, message: CameraInfo) -> None:
        self._heard = True
        self._callback(message)
