"""Recordings replayed to `mtl-perception log` by `mtl-perception replay`: the folder holds them frame for frame."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from noise_folder import write_dataset

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.bags import CAMERA_INFO_TOPIC, DEPTH_TOPIC, IMAGE_TOPIC, write_bag_from_folder

FRAMES = 45
COMMAND = [sys.executable, "-m", "mtl_perception.cli"]
TOPICS = ["--camera-info", CAMERA_INFO_TOPIC, "--depth", DEPTH_TOPIC, "--depth-camera-info", CAMERA_INFO_TOPIC]
KEEP_ALL = {
    "min_interval": 0.0,
    "keep_every": 0.001,
    "min_sharpness": 0.0,
    "max_clipped": 1.0,
    "min_valid_depth": 0.0,
    "min_free": 0.0,
    "rgb_format": "png",
}


@pytest.fixture(params=["noise", "redkitchen", "house_video"])
def source(request, tmp_path) -> DatasetFolder:
    if request.param == "noise":
        return write_dataset(tmp_path / "noise")
    data = os.environ.get("MTL_PERCEPTION_DATA")
    if not data or not (Path(data) / request.param).exists():
        pytest.skip(f"set MTL_PERCEPTION_DATA to a folder that holds {request.param}")
    return DatasetFolder(Path(data) / request.param)


@pytest.mark.parametrize("raw", [False, True], ids=["compressed", "raw"])
def test_a_recording_is_logged_frame_for_frame(source, raw, tmp_path):
    names = [name for name in source.names() if source.has("depth", name)][:FRAMES]
    write_bag_from_folder(source, names, tmp_path / "walk.mcap", rate=source.info.rate_hz, depth=True, raw=raw)
    image = ["--image", IMAGE_TOPIC] if raw else ["--image", f"{IMAGE_TOPIC}/compressed", "--compressed"]
    rules = [part for name, value in KEEP_ALL.items() for part in ("-p", f"{name}:={value}")]
    arguments = ["log", str(tmp_path / "set"), *image, *TOPICS, "--robot", "r5", "--ros-args", *rules]
    logger = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        replay = [*COMMAND, "replay", str(tmp_path / "walk.mcap"), "--wait", "30"]
        subprocess.run(replay, check=True, capture_output=True, timeout=60)
        time.sleep(0.5)
        logger.send_signal(signal.SIGINT)
        told = logger.communicate(timeout=20)[1]
    finally:
        logger.kill()
    count = int(re.search(r"(\d+) frames logged in r5-\S+, 0 lost", told)[1])
    assert logger.returncode == 0 and len(names) - 2 <= count <= len(names)
    logged = DatasetFolder(tmp_path / "set")
    assert logged.info.intrinsics == source.info.intrinsics
    with open_bag(tmp_path / "walk.mcap") as bag:
        by_stamp = dict(zip((m.time for m in bag.messages([DEPTH_TOPIC])), names, strict=True))
    (run,) = read_index(tmp_path / "set")
    assert len(run.frames) == count
    for line in run.frames.values():
        name = by_stamp[line["stamp"]]
        if raw:
            assert (logged.read_rgb(line["name"]) == source.read_rgb(name)).all()
        else:
            assert logged.path("rgb", line["name"]).read_bytes() == source.path("rgb", name).read_bytes()
        assert (logged.read_depth(line["name"]) == source.read_depth(name)).all()
