"""What the demonstration leaves is whole, or it says that it is not."""

from __future__ import annotations

import resource

import cv2
import numpy as np
import pytest

from mtl_perception import demo

ROWS = [np.full((48, 96, 3), 40 * i, np.uint8) for i in range(5)]


def test_the_video_holds_every_row(tmp_path):
    demo._write_video(tmp_path / "video.mp4", ROWS, 10.0)
    assert cv2.VideoCapture(str(tmp_path / "video.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == len(ROWS)
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


def test_a_video_that_is_not_whole_is_told_and_the_one_before_stays(tmp_path):
    (tmp_path / "video.mp4").write_bytes(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))  # as a full disk; OpenCV drops the rest without a word
    try:
        with pytest.raises(OSError, match=r"could not be written whole.*video\.mp4"):
            demo._write_video(tmp_path / "video.mp4", ROWS, 10.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]
