"""Cameras that say once, latched, what camera they are, and were there before the nodes."""

from __future__ import annotations

import numpy as np
from harness import NodeUnderTest, Robot
from rclpy.qos import DurabilityPolicy, QoSProfile
from rgbd_robot import RgbdRobot, camera_info
from sensor_msgs.msg import CameraInfo, Image

from mtl_perception.messages.arrays import array_from_image

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def test_no_frame_goes_out_of_the_perception_node_at_another_scale(network):
    robot = Robot(outputs=("depth/image",))
    robot.node.create_publisher(CameraInfo, "camera_info", LATCHED).publish(camera_info(100.0))
    process = NodeUnderTest("-p", f"model:={network}")
    try:
        robot.wait(lambda: robot.image.get_subscription_count())
        robot.wait(lambda: robot.diagnostics and robot.diagnostics[-1]["listeners"] == "1")
        robot.answer(robot.frame(np.full((48, 64, 3), 100, np.uint8)))
        assert {float(array_from_image(m)[0, 0]) for m in robot.received["depth/image"]} == {10.0}  # else 5
    finally:
        robot.close()
        assert process.stop() == 0


def test_the_depth_logger_logs(tmp_path):
    robot = RgbdRobot(tmp_path, Image, Image)
    for topic in ("camera_info", "depth_camera_info"):
        robot.node.create_publisher(CameraInfo, topic, LATCHED).publish(camera_info(50.0))
    parameters = ("-p", f"folder:={tmp_path}", "-p", "rgb_format:=png", "-p", "min_free:=0.0")
    process = NodeUnderTest(*parameters, module="depth_logger_node")
    try:
        robot.send_until(0, lambda: robot.fact("frames written") >= 1)
        assert robot.check()
    finally:
        robot.close()
        assert process.stop() == 0
