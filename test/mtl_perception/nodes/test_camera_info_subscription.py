"""Cameras that latch their camera_info are heard, and so are those that do not."""

from __future__ import annotations

import time

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo

from mtl_perception.nodes.camera_info_subscription import CameraInfoSubscription

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def ros():
    context = Context()
    rclpy.init(context=context)
    camera, listener = Node("camera", context=context), Node("listener", context=context, cli_args=["--ros-args"])
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(listener)

    def wait(condition) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline
            executor.spin_once(timeout_sec=0.02)

    yield camera, listener, wait
    executor.shutdown()
    for node in (camera, listener):
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_what_was_latched_before_is_heard_beside_what_comes_later(ros):
    camera, listener, wait = ros
    camera.create_publisher(CameraInfo, "camera_info", LATCHED).publish(CameraInfo(width=64))
    heard: list[CameraInfo] = []
    subscription = CameraInfoSubscription(listener, "camera_info", heard.append, qos_profile_sensor_data)

    def hears(width: int) -> bool:
        subscription.hear_latched()
        return any(message.width == width for message in heard)

    wait(lambda: hears(64))
    assert subscription.is_published
    other = camera.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
    wait(lambda: other.get_subscription_count())
    other.publish(CameraInfo(width=32))
    wait(lambda: hears(32))
    subscription.destroy()
    wait(lambda: not camera.count_subscribers("/camera_info"))


def test_nothing_more_is_asked_of_cameras_that_do_not_latch(ros):
    camera, listener, wait = ros
    subscription = CameraInfoSubscription(listener, "camera_info", lambda message: None, qos_profile_sensor_data)
    assert not subscription.is_published
    publisher = camera.create_publisher(CameraInfo, "camera_info", 1)
    wait(lambda: publisher.get_subscription_count() and subscription.is_published)
    subscription.hear_latched()
    assert camera.count_subscribers("/camera_info") == 1
