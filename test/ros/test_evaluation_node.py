"""The evaluation node beside the real perception node, while somebody plays: as the launch file starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import rclpy
import rosbag2_play
from harness import NodeUnderTest
from recorder import IMAGE, INFO, record_frames

from mtl_perception.nodes import evaluation_node
from mtl_perception.nodes.evaluation_node import READY, StreamListener
from mtl_perception.recordings.errors import ReplayError

FRAMES = 15
PLAYED = {topic: f"/evaluation{topic}" for topic in (IMAGE, INFO)}


def evaluation(*arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "mtl_perception.nodes.evaluation_node", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_says_when_to_play_and_measures_what_it_hears(tmp_path, network):
    bag = record_frames(tmp_path / "bag", FRAMES, depth_factor=1.1)
    remap = ("-r", "__ns:=/evaluation", "-r", f"image:={PLAYED[IMAGE]}", "-r", f"camera_info:={PLAYED[INFO]}")
    node = NodeUnderTest("-p", f"model:={network}", "-p", "use_sim_time:=true", *remap)
    try:
        ears = ("--node", "/evaluation/perception", "--played-on", PLAYED[IMAGE], "--pid", node.process.pid)
        listening = evaluation(bag, *ears, "--model", network, "--out", tmp_path / "out")
        assert listening.stdout.readline().strip() == READY, listening.stderr.read()
        rules = [f"{recorded}:={name}" for recorded, name in PLAYED.items()]
        options = ["--clock", "100", "--delay", "2", "--topics", *PLAYED, "--remap", *rules]
        subprocess.run(
            [sys.executable, rosbag2_play.__file__, "bag", "play", str(bag), *options], check=True, timeout=60
        )
        printed, complaints = listening.communicate(timeout=60)
    finally:
        node.stop()
    assert listening.returncode == 0, complaints
    assert "live_rate_hz" in printed
    (model,) = json.loads((tmp_path / "out" / "metrics.json").read_text())["models"]
    live = model["live"]
    assert model["depth"]["frames"] == FRAMES
    assert FRAMES // 2 <= live["frames_out"] <= live["frames_in"] <= FRAMES
    assert live["rate_in_hz"] == pytest.approx(10, rel=0.4)
    assert live["latency_ms"]["median"] > 0 and 0 <= live["age_ms"]["median"] < 5000
    assert live["cpu_percent"] > 0
    assert Path(tmp_path / "out" / "report.html").exists()


def test_what_cannot_be_evaluated_is_told_before_anything_is_played(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluation_node, "_listen", lambda *_: pytest.fail("it listens"))
    ears = ("--node", "/n", "--played-on", "/image")
    (tmp_path / "file").write_text("")
    bag = record_frames(tmp_path / "bag", 1)
    for arguments, complaint in (
        ((bag, *ears, "--out", tmp_path / "file"), "A folder is wanted, and this is none"),
        ((tmp_path / "nosuch", *ears, "--out", tmp_path / "out"), f"there is no bag {tmp_path / 'nosuch'}"),
        ((bag, *ears, "--out", tmp_path / "out", "--against", "nosuch.onnx"), "nosuch.onnx"),
        ((bag, *ears, "--out", tmp_path / "out", "--labels", "/nosuch"), "no topic /nosuch"),
        ((bag, *ears, "--out", tmp_path / "out", "--labels", tmp_path), f"{tmp_path} has no dataset.json and no masks"),
    ):
        assert evaluation_node.main(["evaluation_node", *map(str, arguments)]) == 2
        assert complaint in capsys.readouterr().err


def test_a_node_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(evaluation_node, "_PATIENCE", 0.5)
    rclpy.init()
    listener = StreamListener("/nowhere/perception", "/image", compressed=False, pid=None)
    try:
        with pytest.raises(ReplayError, match="the node /nowhere/perception is not heard for 0 s"):
            listener.measure()
    finally:
        listener.close()
        rclpy.try_shutdown()
