"""Recordings of a camera replayed into the logger: the folder it writes holds them frame for frame."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import NodeUnderTest, Robot

from mtl_perception.bags import CAMERA_INFO_TOPIC, DEPTH_TOPIC, IMAGE_TOPIC, open_bag, write_bag_from_folder
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index
from mtl_perception.replay import BagPlayer

FRAMES = 45
TOPICS = {
    "image": f"{IMAGE_TOPIC}/compressed",
    "camera_info": CAMERA_INFO_TOPIC,
    "depth": DEPTH_TOPIC,
    "depth_camera_info": CAMERA_INFO_TOPIC,
}


KEEP_ALL = {
    "min_interval": 0.0,
    "keep_every": 0.001,
    "min_sharpness": 0.0,
    "max_clipped": 1.0,
    "min_valid_depth": 0.0,
    "min_free": 0.0,
    "image_transport": "compressed",
}


def arguments(folder: Path) -> list[str]:
    parameters = [("-p", f"{name}:={value}") for name, value in {"folder": folder, **KEEP_ALL}.items()]
    remappings = [("-r", f"{name}:={topic}") for name, topic in TOPICS.items()]
    return [part for pair in parameters + remappings for part in pair]


@pytest.fixture(params=["redkitchen", "house_video"])
def source(request) -> DatasetFolder:
    data = os.environ.get("MTL_PERCEPTION_DATA")
    if not data or not (Path(data) / request.param).exists():
        pytest.skip(f"set MTL_PERCEPTION_DATA to a folder that holds {request.param}")
    return DatasetFolder(Path(data) / request.param)


def test_a_recording_is_logged_frame_for_frame(source, tmp_path):
    names = source.names()[:FRAMES]
    write_bag_from_folder(source, names, tmp_path / "walk.mcap", rate=source.info.rate_hz, depth=True)
    process = NodeUnderTest(*arguments(tmp_path / "set"), module="depth_logger_node")
    robot = Robot(outputs=(), node="/depth_logger", task="depth logger")
    try:
        with open_bag(tmp_path / "walk.mcap") as bag:
            player = BagPlayer(robot.node, bag)
            player.wait_for_listener(30)
            robot.wait(lambda: all(publisher.get_subscription_count() for publisher in player.publishers.values()))
            player.play()
        facts = robot.wait_for_diagnostics(lambda d: d["frames written"] == d["pairs"] and d["waiting"] == "0")
        assert facts["frames lost"] == "0" and int(facts["pairs"]) >= FRAMES - 2
    finally:
        robot.close()
        assert process.stop() == 0, process.log
    logged = DatasetFolder(tmp_path / "set")
    assert logged.info.intrinsics == source.info.intrinsics
    with open_bag(tmp_path / "walk.mcap") as bag:
        by_stamp = dict(zip((m.time for m in bag.messages([DEPTH_TOPIC])), names, strict=True))
    (run,) = read_index(tmp_path / "set")
    assert len(run.frames) == int(facts["frames written"])
    for line in run.frames.values():
        name = by_stamp[line["stamp"]]
        assert logged.path("rgb", line["name"]).read_bytes() == source.path("rgb", name).read_bytes()
        assert (logged.read_depth(line["name"]) == source.read_depth(name)).all()
