"""The depth logger, in its own process, over real DDS: what a robot gets from good input."""

from __future__ import annotations

import fcntl
import signal
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from harness import one_line
from lifecycle_msgs.msg import Transition
from nav_msgs.msg import Odometry
from rgbd_robot import FRAME_ID, HEIGHT, WIDTH, camera_info, depth_of, logging, rgb_of, stamped
from sensor_msgs.msg import CompressedImage, Image

from mtl_perception.dataset_folder import DatasetFolder, Intrinsics
from mtl_perception.dataset_index import read_index
from mtl_perception.messages.building import image_from_array


def test_every_frame_kept_is_what_was_sent_bit_for_bit(tmp_path):
    with logging(tmp_path / "set", licence="CC0-1.0") as (process, robot):
        robot.send_until(0, lambda: robot.fact("frames written") >= 8)
        robot.wait_for_diagnostics(lambda d: d["pairs"] == d["frames written"] == d["colour received"])
        lines = robot.check()
        assert len(lines) >= 8 and len(lines) == robot.fact("frames written")
    assert f"{len(lines)} frames logged in r2-" in process.log and ", 0 lost, 0 with a pose" in process.log
    folder = DatasetFolder(tmp_path / "set")
    assert (folder.info.width, folder.info.height, folder.info.licence) == (WIDTH, HEIGHT, "CC0-1.0")
    assert folder.info.intrinsics == Intrinsics(50.0, 50.0, WIDTH / 2, HEIGHT / 2)
    (run,) = read_index(folder.root)
    assert run.header["rgb_topic"] == "/image" and run.header["depth_topic"] == "/depth"
    assert run.header["frame_id"] == FRAME_ID and run.header["rules"]["min_view_change"] == 0.2
    assert all(line["stamp"] == line["depth_stamp"] for line in run.frames.values())


def test_compressed_frames_go_to_the_disk_byte_for_byte(tmp_path):
    compressed = dict(image_transport="compressed", depth_transport="compressedDepth")
    jpegs: dict[int, bytes] = {}

    def send(number: int) -> None:
        smooth = cv2.resize(rgb_of(number)[:6, :8], (WIDTH, HEIGHT))
        jpegs[number] = cv2.imencode(".jpg", smooth)[1].tobytes()
        png = cv2.imencode(".png", depth_of(number))[1].tobytes()
        robot.send(
            number,
            CompressedImage(format="rgb8; jpeg compressed bgr8", data=jpegs[number]),
            CompressedImage(format="16UC1; compressedDepth png", data=struct.pack("<iff", 0, 0, 0) + png),
        )

    with logging(tmp_path, image_type=CompressedImage, depth_type=CompressedImage, **compressed) as (_, robot):
        number = 0
        while robot.fact("frames written") < 3:
            send(number)
            number += 1
            time.sleep(0.1)
            assert number < 200
        folder = DatasetFolder(tmp_path)
        for number, line in robot.lines().items():
            assert folder.path("rgb", line["name"]).read_bytes() == jpegs[number]
            np.testing.assert_array_equal(np.rint(folder.read_depth(line["name"]) * 1000), depth_of(number))


def test_depth_in_metres_of_another_camera_is_brought_into_the_colour_image(tmp_path):
    metres = image_from_array(np.full((HEIGHT, WIDTH), 2.0, np.float32), "32FC1", camera_info(50).header)
    metres.header.frame_id = "depth_eye"
    # The depth camera is 0.2 m to the right of the colour camera: what it sees lies 5 pixels to the right.
    with logging(tmp_path, depth_in_image="'0.2 0 0 0 0 0 1'") as (_, robot):
        robot.depth_info.publish(camera_info(50.0, frame_id="depth_eye"))
        robot.send_until(0, lambda: robot.fact("frames written") >= 1, depth=metres)
        depth = DatasetFolder(tmp_path).read_depth(next(iter(robot.lines().values()))["name"])
    assert (depth[:, :5] == 0).all() and (depth[:, 5:] == 2).all()


def test_log_now_logs_the_current_frame_and_those_of_the_look_back(tmp_path):
    rules = dict(min_view_change=0.0, look_back=2.0, look_back_rate=5.0)
    with logging(tmp_path, **rules) as (_, robot):
        answer = robot.log_now()
        assert not answer.success and "no pair of colour and depth" in answer.message
        end = time.monotonic() + 3
        last = robot.send_until(0, lambda: time.monotonic() > end) - 1
        answer = robot.log_now()
        assert answer.success, answer.message
        lines = robot.check()
        (service,) = (n for n, line in lines.items() if line["reason"] == "service")
        assert lines[service]["name"] == answer.message and service >= last - 1
        before = [line["stamp"] for n, line in sorted(lines.items()) if line["reason"] == "look_back"]
        assert len(before) >= 5 and lines[service]["stamp"] - before[0] <= 2e9 and before[-1] < lines[service]["stamp"]
        assert np.diff(before).min() >= 0.18e9


def test_the_cameras_are_heard_while_log_now_waits_for_the_disk(tmp_path):
    with logging(tmp_path, min_view_change=0.0, look_back=2.0) as (_, robot), ThreadPoolExecutor(1) as somebody:
        assert not robot.log_now().success  # its service has met this robot
        with (tmp_path / "index" / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the run cannot begin: nothing is written, and the answer is to come
            number = robot.send_until(0, lambda: robot.fact("colour received") >= 5)
            answer = somebody.submit(robot.log_now)
            robot.send_until(number, lambda: robot.fact("colour received") >= number + 40)  # more than any queue holds
            assert not answer.done()
        assert answer.result().success, answer.result().message
        lines = robot.check()
        assert {"service", "look_back"} <= {line["reason"] for line in lines.values()}


def test_poses_of_odometry_are_between_its_messages_and_a_robot_that_moves_is_logged(tmp_path):
    rules = dict(min_view_change=0.0, min_translation=0.5, camera_in_base="'0 0 1 0 0 0 1'", input_timeout=1.0)
    still = image_from_array(rgb_of(0), "rgb8", camera_info(50).header)
    with logging(tmp_path, **rules) as (_, robot):
        # Without odometry the rule would keep nothing, and nobody would know why.
        number = robot.send_until_told(0, "no frame on /odometry, published by /robot", image=still)
        while robot.fact("kept: pose") < 3:  # the first as soon as there is a pose
            for offset in (-0.06, 0.04):
                odometry = Odometry(child_frame_id="base")
                odometry.pose.pose.position.x = 0.2 * number + offset  # 1 m/s just about this frame
                odometry.pose.pose.orientation.w = 1.0
                robot.odometry.publish(stamped(odometry, robot.stamp(number, offset)))
            time.sleep(0.05)
            robot.send(number, image=still)
            number += 1
            time.sleep(0.2)
            assert number < 200
        lines = robot.lines()
        assert robot.fact("frames with a pose") == sum("robot_pose" in line for line in lines.values()) >= 3
        kept = sorted(n for n, line in lines.items() if line["reason"] == "pose")
        assert kept[1] - kept[0] == kept[2] - kept[1] == 3
        for n in kept:
            pose = DatasetFolder(tmp_path).read_pose(lines[n]["name"])
            np.testing.assert_allclose(pose[:3, 3], (0.2 * n, 0, 1), atol=1e-3)
            np.testing.assert_allclose(np.array(lines[n]["robot_pose"])[:3, 3], (0.2 * n, 0, 0), atol=1e-3)


def test_frames_the_network_gets_wrong_are_kept(tmp_path):
    with logging(tmp_path, min_view_change=0.0, min_disagreement=0.3, max_confidence=0.5) as (_, robot):
        depth = robot.node.create_publisher(Image, "depth/image", 10)
        confidence = robot.node.create_publisher(Image, "segmentation/confidence", 10)
        robot.wait(lambda: depth.get_subscription_count() and confidence.get_subscription_count())
        number = 0
        while robot.fact("kept: disagreement") < 1 or robot.fact("kept: low_confidence") < 1:
            robot.send(number)
            metres = depth_of(number).astype(np.float32) / 1000 * (1.5 if number % 4 == 1 else 1.1)
            depth.publish(stamped(image_from_array(metres, "32FC1", Odometry().header), robot.stamp(number)))
            sure = np.full((12, 16), 100 if number % 4 == 3 else 200, np.uint8)
            confidence.publish(stamped(image_from_array(sure, "mono8", Odometry().header), robot.stamp(number)))
            number += 1
            time.sleep(0.15)
            assert number < 150
        lines = robot.check()
        for n, line in lines.items():
            assert line["reason"] in {1: ("disagreement", "first"), 3: ("low_confidence", "first")}.get(
                n % 4, ("first",)
            )
        wrong = next(line for line in lines.values() if line["reason"] == "disagreement")
        assert abs(wrong["disagreement"] - 0.5) < 0.01


@pytest.mark.parametrize("signals", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)])
def test_what_waits_is_written_when_the_system_ends_the_node(tmp_path, signals):
    with logging(tmp_path, queue_size=300) as (process, robot):
        robot.send_until(0, lambda: robot.fact("frames written") >= 1)
        for number in range(1000, 1030):
            robot.send(number)
        for sign in signals:  # as systemd, docker and an impatient `ros2 launch` do
            process.process.send_signal(sign)
            time.sleep(0.01)
        assert process.stop() == 0
        lines = robot.check()
    assert f"{len(lines)} frames logged in r2-" in process.log and ", 0 lost" in process.log


def test_lifecycle_by_hand_each_activation_is_a_run(tmp_path):
    with logging(tmp_path / "set") as (process, robot):
        number = robot.send_until(0, lambda: robot.fact("frames written") >= 2)
        first_run = robot.diagnostics[-1]["run"]
        assert robot.transition(Transition.TRANSITION_DEACTIVATE)
        assert not robot.log_now().success
        assert robot.transition(Transition.TRANSITION_ACTIVATE)
        robot.wait_until_heard()
        robot.send_until(number, lambda: robot.diagnostics[-1].get("run", "") not in ("", first_run))
        assert robot.transition(Transition.TRANSITION_DEACTIVATE)
        assert robot.transition(Transition.TRANSITION_CLEANUP)
        assert robot.set(folder=str(tmp_path / "other"))[0].successful
        robot.check()
        assert len(read_index(tmp_path / "set")) == 2
    one_line(process.log, r"frames logged in r2-")
