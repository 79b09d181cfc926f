"""What a robot gets, measured: recordings played in their own time through the real node, over real DDS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from network_file import write_network
from recorder import IMAGE, INFO, SECOND, START, Recorder, png, record_frames, recording, scene

from mtl_perception.evaluation.live import measure_live
from mtl_perception.node_replay import CameraTopics, node_replay
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.errors import BagError, ReplayError

RATE = 40
"""Frames a second of the recordings made here."""
PERIOD = SECOND // RATE


def record(recorder: Recorder, topic: str, time: int, stamp: int, data: bytes) -> None:
    """A compressed image, recorded at ``time``."""
    header = recorder.header(stamp, "eye")
    kind = "sensor_msgs/msg/CompressedImage"
    recorder.write(topic, time, recorder.make(kind, header=header, format="png", data=np.frombuffer(data, np.uint8)))


def recorded(path: Path, frames: int, delay: int = 30_000_000) -> Path:
    """``frames`` frames on /eye/image/compressed, each recorded ``delay`` ns after its stamp."""
    with recording(path) as recorder:
        for i in range(frames):
            record(recorder, "/eye/image/compressed", START + i * PERIOD + delay, START + i * PERIOD, png(scene(i)[0]))
    return path


def test_every_frame_of_a_small_recording_is_answered_and_timed(tmp_path, network):
    figures = measure_live(recorded(tmp_path / "bag", 30), network, "/eye/image/compressed")
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
    with recording(tmp_path / "bag") as recorder:
        for i in range(30):
            recorder.image(IMAGE, START + i * PERIOD, scene(i)[0], "rgb8")
            recorder.info(INFO, START + i * PERIOD)
    figures = measure_live(tmp_path / "bag", slow, IMAGE, INFO)
    assert figures["frames_in"] == 30
    assert 0 < figures["frames_out"] < 30
    assert figures["dropped_by"]["a newer one came first"] > 0
    assert sum(figures["dropped_by"].values()) == figures["dropped"] == 30 - figures["frames_out"]
    assert figures["rate_hz"] < figures["rate_in_hz"]


def test_strange_stamps_damaged_pictures_and_a_torn_end_do_not_spoil_the_figures(tmp_path, network):
    with recording(tmp_path / "bag") as recorder:
        for i in range(45):
            # Large, as a recorder writes many small messages in one piece.
            picture = png(np.random.default_rng(i).integers(20, 180, (240, 320, 3), np.uint8))
            simulated = 5 * SECOND + (i - (i == 8)) * PERIOD
            stamp = 0 if i == 3 else simulated
            record(recorder, "/eye", START + i * PERIOD, stamp, b"no picture" if i == 6 else picture)
    (whole,) = (tmp_path / "bag").glob("*.mcap")
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    figures = measure_live(torn, network, "/eye")
    assert "torn.mcap breaks off" in figures["stopped_by"]
    sent, answered = figures["frames_in"], figures["frames_out"]
    assert 20 <= sent <= 42 and sent - 10 <= answered <= sent - 1  # a busy machine may drop some
    assert figures["dropped_by"]["bad message"] == 1
    assert 0 < figures["age_ms"]["median"] < 1000  # by the stamps as they are it would be years
    assert answered - 2 <= sum(figures["latency_histogram"]["counts"]) < answered  # two frames share a stamp


def test_what_cannot_be_played_is_one_line(tmp_path, network):
    bag = recorded(tmp_path / "bag", 2)
    with pytest.raises(BagError, match=r"there is no /left; wanted is a topic of sensor_msgs/msg/Image or"):
        measure_live(bag, network, "/left")
    with pytest.raises(
        BagError, match="/eye/image/compressed is sensor_msgs/msg/CompressedImage; wanted is a topic of"
    ):
        measure_live(bag, network, "/eye/image/compressed", "/eye/image/compressed")
    with pytest.raises(BagError, match="there is no bag"):
        measure_live(tmp_path / "none", network, "/eye")
    with pytest.raises(BagError, match="is of ROS 1 and cannot be played: `rosbags-convert"):
        measure_live(record_frames(tmp_path / "old.bag", 1), network, IMAGE)


def kill(pid: int) -> None:
    """End the process, as ``kill -9`` does, and remove what it then leaves in shared memory: 70 MB."""
    mapped = {line.split()[-1] for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "/fastrtps_" in line}
    os.kill(pid, signal.SIGKILL)
    for path in mapped:
        Path(path).unlink()
        Path(f"{path}_el").unlink(missing_ok=True)


def test_a_node_that_ends_is_said_at_once(tmp_path, network):
    bag = recorded(tmp_path / "bag", 200)  # ten seconds, which nobody waits for
    with (
        pytest.raises(ReplayError, match="the node ended with exit code -9"),
        open_bag(bag) as opened,
        node_replay(opened, network, CameraTopics("/eye/image/compressed")) as replay,
    ):
        replay.play(lambda message: kill(replay.pid) if len(replay.traffic.sent) == 2 else None)
    assert len(replay.traffic.sent) < 100


def test_evaluate_takes_the_figures_into_the_metrics(tmp_path, network):
    bag = record_frames(tmp_path / "bag", 10)
    command = [sys.executable, "-m", "mtl_perception.cli", "evaluate", str(bag), "--model", str(network), "--live"]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    (model,) = metrics["models"]
    assert metrics["complete"] and model["depth"]["abs_rel"] < 1e-3
    assert model["live"]["frames_in"] == 10 and model["live"]["frames_out"] >= 7
    assert "live_rate_hz" in done.stdout
