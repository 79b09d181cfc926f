"""The real node, in its own process, over real DDS: what a robot gets from good input."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from harness import FRAME_ID, NodeUnderTest, Robot
from network_file import card
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import SetBool

from mtl_perception.messages.arrays import array_from_image
from mtl_perception.messages.building import image_from_array


@pytest.fixture(scope="module")
def node(network):
    process = NodeUnderTest("-p", f"model:={network}", "-p", "image_timeout:=2.0")
    yield process
    process.stop()


@pytest.fixture
def robot(node):
    robot = Robot()
    robot.wait_until_heard()
    robot.publish_camera(50.0)  # or the first frames wait for it
    time.sleep(0.3)
    yield robot
    robot.close()


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(20, 180, (48, 64, 3), dtype=np.uint8)


def test_every_output_is_under_the_stamp_and_frame_of_its_image(robot, rgb):
    robot.publish_camera(50.0)
    message = robot.frame(rgb)
    robot.image.publish(message)
    for topic in robot.received:
        result = robot.result(message, topic)
        assert result.header == message.header, topic
        assert (result.height, result.width) == (48, 64), topic


def test_outputs_say_what_the_network_says(robot, rgb):
    message = robot.frame(rgb)
    depth = array_from_image(robot.answer(message))
    np.testing.assert_allclose(depth, rgb[..., 0] / 20, rtol=1e-6)
    classes = robot.result(message, "segmentation/image")
    assert classes.encoding == "mono8"
    np.testing.assert_array_equal(array_from_image(classes), 1 + (rgb[..., 1] > 127))
    np.testing.assert_array_equal(array_from_image(robot.result(message, "segmentation/confidence")), rgb[..., 2])
    overlay = array_from_image(robot.result(message, "segmentation/overlay")).astype(int)
    colors = np.array([c.color for c in card().classes])[(rgb[..., 1] > 127).astype(int)]
    assert np.abs(overlay - (rgb.astype(int) + colors) / 2).max() <= 1


def test_depth_and_its_range_scale_with_the_focal_length_of_camera_info(robot, rgb):
    for focal_length in (100.0, 50.0):
        robot.publish_camera(focal_length)
        time.sleep(0.3)
        depth = array_from_image(robot.answer(robot.frame(rgb)))
        np.testing.assert_allclose(depth, rgb[..., 0] / 20 * focal_length / 50, rtol=1e-6)
        near = np.full_like(rgb, 5)  # 0.25 m for the network's own camera, whose range begins at 0.5 m
        assert np.isneginf(array_from_image(robot.answer(robot.frame(near)))).all()


def test_points_project_back_to_their_pixels(robot, rgb):
    robot.publish_camera(50.0)
    time.sleep(0.3)
    cloud = robot.answer(robot.frame(rgb), "points")
    points = np.frombuffer(cloud.data, np.float32).reshape(48, 64, 4)
    rows, columns = np.mgrid[:48, :64]
    np.testing.assert_allclose(points[..., 0] / points[..., 2] * 50 + 32, columns, atol=1e-3)
    np.testing.assert_allclose(points[..., 1] / points[..., 2] * 50 + 24, rows, atol=1e-3)
    np.testing.assert_allclose(points[..., 2], rgb[..., 0] / 20, rtol=1e-6)


def test_depth_beyond_the_range_follows_rep_117_and_118(robot):
    rgb = np.full((48, 64, 3), 100, np.uint8)
    rgb[:10, :, 0], rgb[10:20, :, 0] = 4, 240  # 0.2 m and 12 m; the range is 0.5 to 10 m
    depth = array_from_image(robot.answer(robot.frame(rgb)))
    assert np.isneginf(depth[:10]).all() and np.isposinf(depth[10:20]).all() and (depth[20:] == 5).all()
    assert robot.set(depth_encoding="16UC1")[0].successful
    message = robot.answer(robot.frame(rgb))
    assert message.encoding == "16UC1"
    millimetres = array_from_image(message)
    assert (millimetres[:20] == 0).all() and (millimetres[20:] == 5000).all()
    robot.set(depth_encoding="32FC1")


def test_late_subscribers_get_the_labels(robot):
    robot.wait(lambda: robot.labels)
    labels = json.loads(robot.labels[-1])
    assert labels["classes"]["1"]["name"] == "wall" and labels["unlabelled"] == 255


def test_parameters_change_the_stream_while_it_runs(robot, rgb):
    assert robot.set(min_confidence=0.4)[0].successful
    classes = array_from_image(robot.answer(robot.frame(rgb), "segmentation/image"))
    np.testing.assert_array_equal(classes == 255, rgb[..., 2] < 0.4 * 255)
    robot.set(min_confidence=0.0)
    assert robot.set(max_depth=3.0)[0].successful
    assert np.isposinf(array_from_image(robot.answer(robot.frame(rgb)))[rgb[..., 0] > 60]).all()
    robot.set(max_depth=0.0)
    refused = robot.set(threads=7)[0]
    assert not refused.successful and "clean up" in refused.reason
    assert not robot.set(max_rate=-1.0)[0].successful
    refused = robot.set(depth_encoding="mono8")[0]
    assert not refused.successful and "32FC1" in refused.reason


def test_large_frames_come_back_whole_or_at_the_networks_size(robot):
    rgb = np.full((2160, 3840, 3), 100, np.uint8)
    message = robot.answer(robot.frame(rgb), "segmentation/image")
    assert (message.height, message.width) == (2160, 3840)
    robot.set(output_size="network")
    robot.publish_camera(3000.0, 2160, 3840)
    time.sleep(0.3)
    message = robot.frame(rgb)
    depth = robot.answer(message)
    assert (depth.height, depth.width) == (36, 64)
    info = robot.result(message, "depth/camera_info")
    assert (info.height, info.width, info.k[0]) == (36, 64, pytest.approx(50.0))
    robot.set(output_size="image")
    robot.publish_camera(50.0)
    time.sleep(0.3)


def test_enable_service_stops_and_starts_the_work(robot, rgb):
    assert robot.call(SetBool, "/perception/enable", SetBool.Request(data=False)).success
    robot.image.publish(robot.frame(rgb))
    facts = robot.wait_for_diagnostics(lambda d: "dropped: disabled" in d)
    assert facts["enabled"] == "false"
    assert robot.call(SetBool, "/perception/enable", SetBool.Request(data=True)).success
    robot.answer(robot.frame(rgb))


def test_max_rate_thins_the_stream(robot, rgb):
    robot.set(max_rate=5.0)
    before = len(robot.received["depth/image"])
    start = time.monotonic()
    while time.monotonic() - start < 2.0:
        robot.image.publish(robot.frame(rgb))
        time.sleep(0.02)
    robot.set(max_rate=0.0)
    assert 8 <= len(robot.received["depth/image"]) - before <= 12
    robot.wait_for_diagnostics(lambda d: int(d.get("dropped: above max_rate", 0)) > 50)


def test_old_frames_are_dropped_by_age(robot, rgb):
    robot.set(max_age=1.0)
    robot.image.publish(robot.frame(rgb))  # stamped half a century ago
    robot.wait_for_diagnostics(lambda d: "dropped: older than max_age" in d)
    fresh = robot.frame(rgb)
    fresh.header.stamp = robot.node.get_clock().now().to_msg()
    robot.answer(fresh)
    robot.set(max_age=0.0)


def test_a_burst_is_answered_with_the_latest_frame(robot, rgb):
    burst = [robot.frame(rgb) for _ in range(20)]
    for message in burst:
        robot.image.publish(message)
    robot.result(burst[-1], "depth/image")


def test_diagnostics_carry_rate_latency_and_age(robot, rgb):
    for _ in range(10):
        robot.answer(robot.frame(rgb, stamp=robot.node.get_clock().now().nanoseconds // 10**9))
    facts = robot.wait_for_diagnostics(lambda d: "network median [ms]" in d)
    assert float(facts["network median [ms]"]) <= float(facts["end to end median [ms]"])
    assert float(facts["rate out [Hz]"]) > 0
    assert facts["model"] == "tiny" and "CPU" in facts["device"]


def test_no_work_when_nobody_listens(node, rgb):
    robot = Robot(outputs=())
    try:
        robot.wait_until_heard()
        robot.wait_for_diagnostics(lambda d: d["listeners"] == "0")
        before = robot.diagnostics[-1]
        for _ in range(5):
            robot.image.publish(robot.frame(rgb))
        after = robot.wait_for_diagnostics(
            lambda d: int(d.get("dropped: nobody listens", 0)) >= int(before.get("dropped: nobody listens", 0)) + 5
        )
        assert after["frames published"] == before["frames published"]
    finally:
        robot.close()


def test_silence_is_explained_by_the_publishers_there_are(node):
    robot = Robot(outputs=(), image_type=CompressedImage)
    try:
        facts = robot.wait_for_diagnostics(lambda d: "no frame on /image" in d["message"] and "robot" in d["message"])
        assert "CompressedImage" in facts["message"] and "set image_transport to compressed" in facts["message"]
        assert "reliable" in facts["message"] and "volatile" in facts["message"]
    finally:
        robot.close()


def test_other_frames_ids_are_kept(robot, rgb):
    message = image_from_array(rgb, "rgb8", robot.frame(rgb).header)
    message.header.frame_id = "left_eye"
    assert robot.answer(message).header.frame_id == "left_eye" != FRAME_ID
