"""What a robot gets, measured: recordings played in their own time through the real node, over real DDS."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from network_file import write_network
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mtl_perception.bags import BagError
from mtl_perception.evaluation.live import measure_live
from mtl_perception.node_replay import CameraTopics, ReplayError, node_replay

RATE = 20
"""Frames a second of every recording here."""
FIRST = 1_700_000_000 * 10**9


class Recording:
    """A recording under way: what a camera publishes, at times and stamps (ns) of the test's choice."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "recording"
        self._writer = Writer(self.path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._connections: dict[str, object] = {}
        self._rng = np.random.default_rng(0)

    def frame(self, topic: str, time: int, stamp: int, *, compressed: bool = True, damage: bytes | None = b"") -> None:
        """``damage``: instead of the picture; None leaves the message itself short."""
        rgb = self._rng.integers(20, 180, (48, 64, 3), dtype=np.uint8)
        types = self._store.types
        header = types["std_msgs/msg/Header"](
            stamp=types["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9), frame_id="eye"
        )
        if compressed:
            kind = "sensor_msgs/msg/CompressedImage"
            data = np.frombuffer(damage or cv2.imencode(".png", rgb)[1].tobytes(), np.uint8)
            message = types[kind](header=header, format="png", data=data)
        else:
            kind = "sensor_msgs/msg/Image"
            message = types[kind](
                header=header, height=48, width=64, encoding="rgb8", is_bigendian=0, step=192, data=rgb.reshape(-1)
            )
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self._store)
        data = self._store.serialize_cdr(message, kind)
        self._writer.write(self._connections[topic], time, data[:9] if damage is None else data)

    def close(self) -> Path:
        self._writer.close()
        return self.path


def recorded(folder: Path, frames: int, delay: int = 30_000_000, topic: str = "/eye/image/compressed", **more) -> Path:
    """``frames`` frames, each recorded ``delay`` ns after its stamp."""
    recording = Recording(folder)
    for i in range(frames):
        stamp = FIRST + i * 10**9 // RATE
        recording.frame(topic, stamp + delay, stamp, **more)
    return recording.close()


def test_every_frame_of_a_small_recording_is_answered_and_timed(tmp_path, network):
    figures = measure_live(recorded(tmp_path, 30), network, "/eye/image/compressed")
    assert figures["frames_in"] == 30 and figures["frames_out"] >= 24  # a busy machine may drop some
    assert figures["dropped"] == 30 - figures["frames_out"] == sum(figures["dropped_by"].values())
    assert figures["rate_in_hz"] == pytest.approx(RATE, rel=0.1)
    assert figures["rate_hz"] == pytest.approx(RATE, rel=0.15)
    latency, age = figures["latency_ms"], figures["age_ms"]
    assert 0 < figures["network_ms"]["median"] < latency["median"] <= latency["p95"] <= latency["max"]
    # What the recorder got 30 ms after the stamp the node gets 30 ms after the stamp.
    assert age["median"] == pytest.approx(latency["median"] + 30, abs=8)
    assert sum(figures["latency_histogram"]["counts"]) == figures["frames_out"]
    assert figures["cpu_percent"] > 0
    assert 30 < figures["memory_mib"]["start"] <= figures["memory_mib"]["max"]


def test_a_network_that_is_too_slow_drops_frames_and_the_node_says_why(tmp_path):
    slow = write_network(tmp_path / "slow.onnx", 2304, 3072)  # frames are scaled up to it, which takes its time
    figures = measure_live(recorded(tmp_path, 30, topic="/eye/image", compressed=False), slow, "/eye/image")
    assert figures["frames_in"] == 30
    assert 0 < figures["frames_out"] < 30
    assert figures["dropped_by"]["a newer one came first"] > 0
    assert sum(figures["dropped_by"].values()) == figures["dropped"] == 30 - figures["frames_out"]
    assert figures["rate_hz"] < figures["rate_in_hz"]


def test_stamps_of_another_clock_or_none_and_repeated_ones_do_not_spoil_the_figures(tmp_path, network):
    recording = Recording(tmp_path)
    for i in range(20):
        simulated = 5 * 10**9 + i * 10**9 // RATE
        recording.frame("/eye", FIRST + i * 10**9 // RATE, 0 if i == 3 else simulated - (i == 8) * 10**9 // RATE)
    figures = measure_live(recording.close(), network, "/eye")
    assert figures["frames_in"] == 20 and figures["frames_out"] >= 15
    assert 0 < figures["age_ms"]["median"] < 1000  # by the stamps as they are it would be years
    assert 12 <= sum(figures["latency_histogram"]["counts"]) <= 18  # two frames share a stamp


def test_what_cannot_be_played_is_one_line(tmp_path, network):
    bag = recorded(tmp_path, 2)
    with pytest.raises(BagError, match=r"there is no /left; wanted is a topic of sensor_msgs/msg/Image or"):
        measure_live(bag, network, "/left")
    with pytest.raises(
        BagError, match="/eye/image/compressed is sensor_msgs/msg/CompressedImage; wanted is a topic of"
    ):
        measure_live(bag, network, "/eye/image/compressed", "/eye/image/compressed")
    with pytest.raises(BagError, match="there is no bag"):
        measure_live(tmp_path / "none", network, "/eye")


def test_a_node_that_ends_is_said_at_once(tmp_path, network):
    bag = recorded(tmp_path, 200)  # ten seconds, which nobody waits for
    with (
        pytest.raises(ReplayError, match="the node ended with exit code -9"),
        node_replay(bag, network, CameraTopics("/eye/image/compressed")) as replay,
    ):
        replay.play(lambda message: os.kill(replay.pid, signal.SIGKILL) if len(replay.traffic.sent) == 2 else None)
    assert len(replay.traffic.sent) < 40


def test_damaged_pictures_are_dropped_and_a_recording_that_breaks_off_is_measured_as_far_as_it_goes(tmp_path, network):
    recording = Recording(tmp_path)
    for i in range(24):
        damage = {10: b"no picture", 20: None}.get(i, b"")
        recording.frame("/eye", FIRST + i * 10**9 // RATE, FIRST + i * 10**9 // RATE, damage=damage)
    figures = measure_live(recording.close(), network, "/eye")
    assert "damaged message on /eye" in figures["stopped_by"]
    assert figures["frames_in"] == 20 and 15 <= figures["frames_out"] <= 19
    assert figures["dropped_by"]["bad message"] == 1
