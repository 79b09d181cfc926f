"""Bags played over real DDS, and the demonstration a newcomer runs first."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
from harness import Robot
from network_file import write_network
from rclpy.qos import DurabilityPolicy, QoSProfile
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String

from mtl_perception.dataset_folder import DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.bags import write_bag_from_folder

FRAMES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    names = [f"frame_{i:03d}" for i in range(FRAMES)]
    info = DatasetInfo(64, 48, "CC0-1.0", "test", Intrinsics(50, 50, 32, 24), sequences={"walk": names}, rate_hz=10)
    writer = DatasetWriter(tmp_path_factory.mktemp("folder") / "set", info)
    rng = np.random.default_rng(0)
    for name in names:
        coarse = rng.integers(20, 180, (6, 8, 3), dtype=np.uint8)
        writer.write_frame(name, cv2.resize(coarse, (64, 48)), depth=np.full((48, 64), 2.5))
    writer.finish()
    return DatasetFolder(writer.root)


@pytest.fixture(scope="module")
def bag(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("bag") / "walk.mcap"
    write_bag_from_folder(folder, folder.names(), out, rate=10, depth=True)
    return out


def cli(*arguments: object, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mtl_perception.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def test_the_demo_shows_every_frame(bag, tmp_path):
    network = write_network(tmp_path / "tiny.onnx")
    done = cli("demo", "--bag", bag, "--model", network, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "out" / "strip.png") in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["frames_in"], summary["frames_out"], summary["frames_dropped"]) == (FRAMES, FRAMES, 0)
    assert 8 < summary["rate_hz"] < 12
    assert 0 < summary["network_ms"] < summary["end_to_end_ms"]
    video = cv2.VideoCapture(str(tmp_path / "out" / "video.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert cv2.imread(str(tmp_path / "out" / "strip.png")).shape[1] == 960


def test_the_demo_of_a_torn_recording_shows_what_there_is_and_tells(tmp_path):
    writer = DatasetWriter(tmp_path / "set", DatasetInfo(640, 480, "CC0-1.0", "test", rate_hz=10))
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    for number in range(FRAMES):  # Each of a size that no two share a chunk of the file.
        writer.write_frame(f"f{number:02d}", np.roll(noise, number, axis=1))
    writer.finish()
    folder = DatasetFolder(writer.root)
    torn = tmp_path / "torn.mcap"
    write_bag_from_folder(folder, folder.names(), torn, rate=10)
    torn.write_bytes(torn.read_bytes()[: torn.stat().st_size * 2 // 3])
    done = cli("demo", "--bag", torn, "--model", write_network(tmp_path / "tiny.onnx"), "--out", tmp_path / "out")
    assert done.returncode == 2 and "torn.mcap breaks off: " in done.stderr.strip().splitlines()[-1], done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert 0 < summary["frames_out"] == summary["frames_in"] < FRAMES


def test_the_demo_says_when_the_node_cannot_start(bag, tmp_path):
    done = cli("demo", "--bag", bag, "--model", tmp_path / "missing.onnx", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("mtl-perception: cannot read the network file")


def test_replay_plays_every_message_as_recorded(bag):
    robot = Robot(outputs=())
    heard: dict[str, list] = {"image": [], "info": [], "depth": [], "clock": []}
    robot.node.create_subscription(CompressedImage, "/camera/image_raw/compressed", heard["image"].append, 50)
    robot.node.create_subscription(CameraInfo, "/camera/camera_info", heard["info"].append, 50)
    robot.node.create_subscription(Image, "/elsewhere/depth", heard["depth"].append, 50)
    robot.node.create_subscription(Clock, "/clock", heard["clock"].append, 50)
    try:
        remap = ("--ros-args", "-r", "/camera/aligned_depth/image_raw:=/elsewhere/depth")
        done = cli("replay", bag, "--rate", 4, "--clock", *remap)
        assert done.returncode == 0, done.stderr
        robot.wait(lambda: all(len(messages) >= FRAMES for messages in heard.values()))
        with open_bag(bag) as opened:
            recorded = [opened.fields(m) for m in opened.messages(["/camera/image_raw/compressed"])]
        assert [bytes(m.data) for m in heard["image"]] == [m.data.tobytes() for m in recorded]
        assert [m.header.stamp.nanosec for m in heard["image"]] == [m.header.stamp.nanosec for m in recorded]
        assert heard["depth"][0].encoding == "16UC1" and set(np.frombuffer(heard["depth"][0].data, np.uint16)) == {2500}
    finally:
        robot.close()


def test_replay_can_stamp_messages_as_a_live_camera_does(bag):
    robot = Robot(outputs=())
    images: list[CompressedImage] = []
    depths: list[Image] = []
    robot.node.create_subscription(CompressedImage, "/camera/image_raw/compressed", images.append, 50)
    robot.node.create_subscription(Image, "/camera/aligned_depth/image_raw", depths.append, 50)
    try:
        before = robot.node.get_clock().now().nanoseconds
        assert cli("replay", bag, "--rate", 4, "--restamp").returncode == 0
        robot.wait(lambda: len(images) == FRAMES and len(depths) == FRAMES)
        stamps = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for m in images]
        assert stamps[0] > before
        np.testing.assert_allclose(np.diff(stamps), 1e8 / 4, atol=10)
        assert [m.header.stamp for m in images] == [m.header.stamp for m in depths]
    finally:
        robot.close()


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_what_was_latched_is_latched_again(tmp_path, storage):
    store, never = get_typestore(Stores.ROS2_JAZZY), QosTime(0, 0)
    offered = {
        "/latched": QosDurability.TRANSIENT_LOCAL,
        "/tf_static": QosDurability.VOLATILE,  # some recorders say so
        "/passing": QosDurability.VOLATILE,
    }
    with Writer(tmp_path / "bag", version=9, storage_plugin=storage) as writer:
        for topic, durability in offered.items():
            qos = Qos(
                *(QosHistory.KEEP_LAST, 1, QosReliability.RELIABLE, durability, never, never),
                *(QosLiveliness.AUTOMATIC, never, False),
            )
            kind = "std_msgs/msg/String"
            connection = writer.add_connection(topic, kind, typestore=store, offered_qos_profiles=[qos])
            writer.write(connection, 10**18, store.serialize_cdr(store.types[kind](data=topic), kind))
    robot = Robot(outputs=())
    heard: list[str] = []
    for topic, durability in zip(offered, ("TRANSIENT_LOCAL", "TRANSIENT_LOCAL", "VOLATILE"), strict=True):
        qos = QoSProfile(depth=1, durability=DurabilityPolicy[durability])
        robot.node.create_subscription(String, topic, lambda message: heard.append(message.data), qos)
    try:
        assert cli("replay", tmp_path / "bag").returncode == 0
        robot.wait(lambda: sorted(heard) == sorted(offered), f"only {heard} came")
    finally:
        robot.close()


@pytest.mark.parametrize("options", [("--loop", "--wait", "0", "--rate", "20"), ("--wait", "600")])
def test_a_player_that_is_told_to_end_finds_no_fault_with_its_bag(bag, options):
    command = [sys.executable, "-u", "-m", "mtl_perception.cli", "replay", str(bag), *options]
    player = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    robot = Robot(outputs=())
    try:
        robot.wait(lambda: robot.node.count_publishers("/camera/camera_info"))
        if "--loop" in options:
            assert "messages played" in player.stdout.readline()
        player.send_signal(signal.SIGTERM)
        _, complaints = player.communicate(timeout=20)
        assert (player.returncode, complaints) == (0, "")
    finally:
        player.kill()
        robot.close()


@pytest.mark.parametrize(("damage", "complaint"), [("missing", "there is no bag"), ("cut off", "breaks off")])
def test_a_bad_bag_is_one_line(bag, tmp_path, damage, complaint):
    path = tmp_path / "bad.mcap"
    if damage == "cut off":
        path.write_bytes(bag.read_bytes()[:200])
    done = cli("replay", path)
    assert done.returncode == 2
    assert complaint in done.stderr and "Traceback" not in done.stderr
