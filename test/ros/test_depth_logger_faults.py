"""Whatever goes wrong with cameras, clocks and disks, the logger lives, says what it is, and goes on afterwards."""

from __future__ import annotations

import subprocess
import time

import numpy as np
import pytest
from harness import NodeUnderTest, one_line
from rgbd_robot import HEIGHT, WIDTH, camera_info, logging
from sensor_msgs.msg import CameraInfo, Image

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.messages.building import image_from_array

HEADER = CameraInfo().header


def depth_image(values: np.ndarray, encoding: str) -> Image:
    return image_from_array(values, encoding, camera_info(50).header)


def test_depth_that_is_no_use_is_named_and_good_depth_logged_afterwards(tmp_path):
    bad = {
        "no frame is good enough to be kept: little depth": depth_image(
            np.full((HEIGHT, WIDTH), np.nan, np.float32), "32FC1"
        ),
        "seems to send millimetres": depth_image(np.full((HEIGHT, WIDTH), 1800, np.float32), "32FC1"),
        "encoding 'rgb8' is not depth": depth_image(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "rgb8"),
    }
    with logging(tmp_path) as (_, robot):
        number = 0
        for complaint, message in bad.items():
            number = robot.send_until_told(number, complaint, depth=message)
            assert robot.fact("frames written") == 0
        robot.send_until_told(number)
        assert robot.check()


def test_depth_of_another_size_is_brought_to_that_of_colour(tmp_path):
    small = depth_image(np.full((HEIGHT // 2, WIDTH // 2), 1500, np.uint16), "16UC1")
    with logging(tmp_path) as (_, robot):
        robot.send_until(0, lambda: robot.fact("frames written") >= 1, depth=small)
        folder = DatasetFolder(tmp_path)
        assert (folder.read_depth(folder.names()[0]) == 1.5).all()


def test_depth_of_another_frame_needs_an_aligned_topic(tmp_path):
    with logging(tmp_path) as (_, robot):
        depth = depth_image(np.ones((HEIGHT, WIDTH), np.uint16), "16UC1")
        depth.header.frame_id = "depth_eye"
        robot.send_until_told(0, "aligned depth topic", depth=depth)
        assert robot.fact("frames written") == 0 and robot.fact("lost: bad frame") > 0
        assert not robot.log_now().success


def test_clocks_a_second_apart_are_told_and_nothing_is_logged(tmp_path):
    with logging(tmp_path) as (_, robot):
        robot.send_until_told(0, "colour is stamped 1.0", "s after depth", "synchronise the clocks", offset=-1.0)
        assert robot.fact("pairs") == 0 and robot.fact("colour received") > 10


def test_depth_that_comes_late_finds_its_colour(tmp_path):
    with logging(tmp_path) as (_, robot):
        for number in range(12):
            robot.send_image(number)
            if number >= 3:
                robot.send_depth(number - 3)
            time.sleep(0.1)
        robot.wait(lambda: robot.fact("frames written") >= 6)
        robot.check()


def test_depth_that_does_not_come_is_told_and_so_is_a_depth_camera_unplugged_and_logging_goes_on(tmp_path):
    with logging(tmp_path, input_timeout=1.0) as (_, robot):
        number = robot.send_until_told(0, "no frame on /depth, published by /robot", "silent", without_depth=True)
        number = robot.send_until(number, lambda: robot.fact("frames written") >= 3)
        robot.node.destroy_publisher(robot.depth)
        number = robot.send_until_told(number, "no frame on /depth: nobody publishes it", without_depth=True)
        robot.depth = robot.node.create_publisher(Image, "depth", 10)
        robot.wait(lambda: robot.depth.get_subscription_count())
        robot.send_until_told(number)
        robot.check()


def test_another_size_in_mid_run_is_refused_and_the_run_goes_on(tmp_path):
    with logging(tmp_path) as (_, robot):
        number = robot.send_until(0, lambda: robot.fact("frames written") >= 1)
        half = (HEIGHT // 2, WIDTH // 2)
        image = image_from_array(np.random.default_rng(0).integers(0, 255, (*half, 3), np.uint8), "rgb8", HEADER)
        depth = depth_image(np.ones(half, np.uint16), "16UC1")
        number = robot.send_until_told(
            number, "they are 64x48, the camera sends 32x24; log into another folder", image=image, depth=depth
        )
        robot.send_until_told(number)
        assert robot.check()


def test_without_camera_info_nothing_is_logged_and_it_is_said(tmp_path):
    with logging(tmp_path) as (_, robot):
        robot.send_cameras(focal=0.0)
        time.sleep(0.3)
        robot.send_until_told(0, "K is zero, or")
        assert robot.fact("frames written") == 0


def test_a_camera_info_of_another_shape_is_refused_and_the_right_one_logged_with(tmp_path):
    with logging(tmp_path) as (_, robot):
        number = 0
        for publisher, name in ((robot.camera_info, "camera_info"), (robot.depth_info, "depth_camera_info")):
            publisher.publish(camera_info(50.0, 72, 128))
            time.sleep(0.3)
            number = robot.send_until_told(number, f"{name} is of 128x72, the image of 64x48: it was cropped")
            written = robot.fact("frames written")
            number = robot.send_until_told(number, f"{name} is of 128x72, the image of 64x48: it was cropped")
            assert robot.fact("frames written") == written
            robot.send_cameras()
            time.sleep(0.3)
            number = robot.send_until_told(number)
        assert robot.check()
        assert DatasetFolder(tmp_path).info.intrinsics.fx == 50.0


@pytest.fixture
def small_disk(tmp_path, request):
    disk = tmp_path / "disk"
    disk.mkdir()
    options = getattr(request, "param", "size=200k")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk], capture_output=True).returncode:
        pytest.skip("may not mount a file system here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize(
    ("small_disk", "complaint"),
    # The second has bytes left, but no more files can be made: the disk itself refuses.
    [("size=200k", "the disk of .* is full"), ("size=2m,nr_inodes=24", "cannot write: No space left on device")],
    indirect=["small_disk"],
)
def test_a_full_disk_is_told_and_what_was_logged_stays_whole(small_disk, complaint):
    with logging(small_disk / "set") as (_, robot):
        number = robot.send_until(0, lambda: robot.complains(complaint))
        lines = robot.check()
        assert 3 <= len(lines) < number and not list(small_disk.rglob("*.part"))
        for line in lines.values():
            for path in small_disk.glob(f"set/*/{line['name']}.*"):
                path.unlink()
        robot.send_until_told(number, pause=1.0)


def test_a_folder_taken_away_is_told_and_logged_to_when_it_is_back(tmp_path):
    with logging(tmp_path / "set") as (_, robot):
        number = robot.send_until(0, lambda: robot.fact("frames written") >= 2)
        (tmp_path / "set").rename(tmp_path / "away")
        number = robot.send_until_told(number, "moved or taken away")
        assert not (tmp_path / "set").exists()
        (tmp_path / "away").rename(tmp_path / "set")
        robot.send_until_told(number)
        robot.check()


def test_the_quota_stops_the_log_and_says_so(tmp_path):
    with logging(tmp_path, quota=0.00006) as (_, robot):
        robot.send_until_told(0, "nothing more is logged: the quota of 6e-05 GB")
        assert robot.fact("lost: no room") > 0 and robot.check()
        assert "nothing more is logged" in robot.log_now().message


def test_with_frames_to_give_up_the_log_goes_on_within_its_quota(tmp_path):
    with logging(tmp_path, quota=0.00006, when_full="drop_least_useful") as (_, robot):
        robot.send_until(0, lambda: robot.fact("frames given up") >= 2)
        robot.check()
        assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) < 75_000


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ([], "the parameter folder says where to log to, and is empty"),
        (["folder:=/proc/none/set"], "cannot write to /proc/none/set: No such file or directory"),
        (["folder:=~nobody-of-that-name/set"], "folder ~nobody-of-that-name/set: there is no such user"),
        (["folder:={tmp}", "robot:=../r2"], "'../r2' cannot name a frame"),
        (["folder:={tmp}", "depth_in_image:='1 2 3'"], "'1 2 3' is no pose"),
        (["folder:={tmp}", "rgb_format:=gif"], "parameter rgb_format is 'gif'; it must be one of: jpeg, png"),
    ],
)
def test_a_node_that_cannot_log_says_why_in_one_line(tmp_path, parameters, complaint):
    given = [part for p in parameters for part in ("-p", p.format(tmp=tmp_path))]
    process = NodeUnderTest(*given, module="depth_logger_node")
    try:
        deadline = time.monotonic() + 20
        while "cannot configure" not in process.log and time.monotonic() < deadline:
            time.sleep(0.05)
        one_line(process.log, f"cannot configure: .*{complaint}")
        assert process.process.poll() is None
    finally:
        assert process.stop() == 0


def test_a_read_only_folder_fails_configure(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    process = NodeUnderTest("-p", f"folder:={small_disk / 'set'}", module="depth_logger_node")
    try:
        deadline = time.monotonic() + 20
        while "cannot configure" not in process.log and time.monotonic() < deadline:
            time.sleep(0.05)
        one_line(process.log, f"cannot write to {small_disk / 'set'}: Read-only file system")
    finally:
        assert process.stop() == 0


def test_two_loggers_on_one_folder_have_a_run_each(tmp_path):
    other = NodeUnderTest(
        *("-p", f"folder:={tmp_path}", "-p", "robot:=r3", "-p", "min_interval:=0.0", "-p", "rgb_format:=png"),
        *("-p", "min_free:=0.0", "-r", "__node:=second"),
        module="depth_logger_node",
    )
    try:
        with logging(tmp_path) as (_, robot):
            robot.wait_until_heard(loggers=2)

            def both_log() -> bool:
                robot.send_cameras()  # As cameras do with every image: the second logger may have missed the first.
                return len(robot.runs()) == 2 and min(robot.runs().values()) >= 5

            robot.send_until(0, both_log)
            robot.check()
            assert {run[:2] for run in robot.runs()} == {"r2", "r3"}
    finally:
        assert other.stop() == 0, other.log
