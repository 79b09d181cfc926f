"""Frames to log whose every pixel follows from a number, so that what is on the disk can be compared."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mtl_perception.dataset_folder import DatasetFolder, Intrinsics
from mtl_perception.dataset_index import read_index
from mtl_perception.depth_logger.camera_agreement import agree_on_camera, make_folder
from mtl_perception.depth_logger.dataset_log import DatasetLog, EncodedFrame
from mtl_perception.depth_logger.disk_space import GIGABYTE, DiskSpace

HEIGHT, WIDTH = 24, 32
CAMERA = Intrinsics(30.0, 31.0, 15.5, 11.5)
HEADER = {"rgb_topic": "/rgb", "depth_topic": "/depth", "frame_id": "eye", "rules": {}}


def depth_of(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)


def rgb_of(number: int) -> np.ndarray:
    return np.random.default_rng(number + 10**6).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def pose_of(number: int) -> np.ndarray:
    return np.vstack([np.hstack([np.eye(3), [[number], [0], [0]]]), [0, 0, 0, 1]])


def encoded(number: int, **line) -> EncodedFrame:
    told = {"stamp": number * 10**8, "depth_stamp": number * 10**8, "reason": "time", "sharpness": 1.0}
    return EncodedFrame(
        rgb=cv2.imencode(".png", rgb_of(number)[..., ::-1])[1].tobytes(),
        rgb_suffix=".png",
        depth=cv2.imencode(".png", depth_of(number))[1].tobytes(),
        pose=pose_of(number),
        line={**told, "valid_depth": 1.0, "view_change": 1.0, "number": number, **line},
    )


def open_log(
    root: Path, quota: int = GIGABYTE, min_free: int = 0, *, give_up: bool = False, robot: str = "r2"
) -> DatasetLog:
    make_folder(root)
    agree_on_camera(root, WIDTH, HEIGHT, CAMERA, "", "test")
    return DatasetLog(root, robot, HEADER, DiskSpace(root, quota, min_free), give_up=give_up)


def check_whole(root: Path, logged: list[str]) -> dict[str, dict]:
    """The frames of every run, each seen to be on the disk pixel for pixel, and none of ``logged`` lost."""
    folder = DatasetFolder(root)
    runs = read_index(root)
    live = {name: line for run in runs for name, line in run.frames.items()}
    assert not [problem for run in runs for problem in run.problems]
    assert set(logged) <= live.keys() | {name for run in runs for name in run.dropped}
    for name, line in live.items():
        np.testing.assert_array_equal(folder.read_rgb(name), rgb_of(line["number"]))
        np.testing.assert_array_equal(np.rint(folder.read_depth(name) * 1000), depth_of(line["number"]))
        np.testing.assert_array_equal(folder.read_pose(name), pose_of(line["number"]))
    return live
