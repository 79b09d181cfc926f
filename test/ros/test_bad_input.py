"""Whatever arrives, the node lives, counts it, says what was wrong, and answers the next good frame."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from harness import NodeUnderTest, Robot, one_line
from sensor_msgs.msg import CompressedImage, Image

from mtl_perception.messages.arrays import array_from_image

RGB = np.full((48, 64, 3), 100, np.uint8)


@pytest.fixture(scope="module")
def raw(network):
    process = NodeUnderTest("-p", f"model:={network}")
    robot = Robot(outputs=("depth/image",))
    robot.wait_until_heard()
    yield process, robot
    robot.close()
    assert process.stop() == 0


def dropped(facts: dict[str, str]) -> int:
    return int(facts.get("dropped: bad message", 0))


def bad_image(robot: Robot, kind: str) -> Image:
    message = robot.frame(RGB)
    if kind == "zero size":
        message.height = message.width = message.step = 0
        message.data = []
    elif kind == "truncated":
        message.data = message.data[:1000]
    elif kind == "wrong step":
        message.step = 3
    elif kind == "unknown encoding":
        message.encoding = "rainbow"
    elif kind == "depth":
        message.encoding, message.step = "16UC1", 128
    return message


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("zero size", "0x0: no pixels"),
        ("truncated", "has 1000 bytes, 48 rows of step 192 need 9216"),
        ("wrong step", "step 3 is shorter than a row of 64 pixels"),
        ("unknown encoding", "'rainbow' cannot be converted to colour"),
        ("depth", "16UC1 is depth, not colour: remap `image`"),
    ],
)
def test_a_bad_image_is_counted_and_named(raw, kind, complaint):
    process, robot = raw
    robot.wait(lambda: robot.diagnostics)
    before = dropped(robot.diagnostics[-1])
    robot.publish_until(bad_image(robot, kind), lambda: dropped(robot.diagnostics[-1]) > before)
    facts = robot.wait_for_diagnostics(lambda d: complaint in d["message"])
    assert complaint in facts["last error"]
    assert array_from_image(robot.answer(robot.frame(RGB)))[0, 0] == 5
    robot.wait_for_diagnostics(lambda d: not d["last error"])
    assert "Traceback" not in process.log


def test_sizes_may_change_from_frame_to_frame(raw):
    _, robot = raw
    for height, width in ((48, 64), (480, 640), (37, 91), (1, 1), (2160, 3840), (48, 64)):
        message = robot.answer(robot.frame(np.full((height, width, 3), 100, np.uint8)))
        assert (message.height, message.width) == (height, width)
        assert np.allclose(array_from_image(message)[height // 2, width // 2], 5)


def test_time_may_go_back(raw):
    process, robot = raw
    robot.answer(robot.frame(RGB, stamp=5000))
    robot.answer(robot.frame(RGB, stamp=17))
    one_line(process.log, r"stamps went back by 4983\.000 s")
    robot.answer(robot.frame(RGB, stamp=5001))


def test_camera_info_absent_then_uncalibrated_then_good(raw):
    _, robot = raw
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        robot.answer(robot.frame(RGB))
    facts = robot.wait_for_diagnostics(lambda d: "no camera_info on /camera_info" in d["message"])
    assert "focal length of 50 px at 64 px width" in facts["message"]
    robot.publish_camera(0.0)
    robot.wait_for_diagnostics(lambda d: "K is zero, or" in d["message"])
    assert array_from_image(robot.answer(robot.frame(RGB)))[0, 0] == 5
    robot.publish_camera(100.0)
    robot.wait_for_diagnostics(lambda d: "camera_info" not in d["message"])
    assert array_from_image(robot.answer(robot.frame(RGB)))[0, 0] == 10


def test_compressed_frames_good_and_bad(network):
    process = NodeUnderTest(
        "-p", f"model:={network}", "-p", "image_transport:=compressed", "-r", "__ns:=/eye", "-r", "image:=/image"
    )
    robot = Robot(outputs=(), image_type=CompressedImage, node="/eye/perception")
    depth: list[Image] = robot.received["depth/image"]
    robot.node.create_subscription(Image, "/eye/depth/image", depth.append, 10)
    try:
        robot.wait(lambda: robot.image.get_subscription_count())
        robot.wait(lambda: any(d["listeners"] == "1" for d in robot.diagnostics))
        jpeg = cv2.imencode(".jpg", RGB)[1].tobytes()
        assert abs(array_from_image(robot.answer(robot.compressed(jpeg)))[0, 0] - 5) < 0.2
        png = cv2.imencode(".png", RGB)[1].tobytes()
        assert array_from_image(robot.answer(robot.compressed(png, "png")))[0, 0] == 5
        for bad in (b"", jpeg[: len(jpeg) // 2], jpeg[:20] + bytes(200), b"no picture at all"):
            before = dropped(robot.diagnostics[-1])
            robot.publish_until(robot.compressed(bad), lambda before=before: dropped(robot.diagnostics[-1]) > before)
        robot.answer(robot.compressed(jpeg))
        assert "Traceback" not in process.log
    finally:
        robot.close()
        assert process.stop() == 0
