"""What the demonstration leaves is whole, or it says that it is not; and it takes no more memory for more frames."""

from __future__ import annotations

import resource
import time
import tracemalloc
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from mtl_perception.demo_pictures import HELD, DemoPictures, VideoFile
from mtl_perception.messages.arrays import rgb_from_compressed
from mtl_perception.messages.building import image_from_array, stamp_of
from mtl_perception.model_card import SemanticClass
from mtl_perception.visualize import Palette, side_by_side, viewing_range

ROWS = [np.full((48, 96, 3), 40 * i, np.uint8) for i in range(5)]
PALETTE = Palette([SemanticClass(1, "wall", (200, 60, 60)), SemanticClass(2, "floor", (60, 200, 60))])
WIDTH, HEIGHT = 320, 240


def write(path: Path, rows: list[np.ndarray]) -> None:
    with closing(VideoFile(path, 10.0)) as video:
        for row in rows:
            video.write(row)
        video.finish()


def frames_in(path: Path) -> int:
    return int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))


def test_the_video_holds_every_row(tmp_path):
    write(tmp_path / "video.mp4", ROWS)
    assert frames_in(tmp_path / "video.mp4") == len(ROWS)
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


def test_a_video_that_is_not_whole_is_told_and_the_one_before_stays(tmp_path):
    (tmp_path / "video.mp4").write_bytes(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))  # as a full disk; OpenCV drops the rest without a word
    try:
        with pytest.raises(OSError, match=r"could not be written whole.*video\.mp4"):
            write(tmp_path / "video.mp4", ROWS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def camera(number: int) -> tuple[CompressedImage, np.ndarray, np.ndarray]:
    """A frame, and depth and classes of it."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(20, 180, (6, 8, 3), dtype=np.uint8)
    message = CompressedImage(header=Header(stamp=stamp_of(10**18 + number * 10**8)), format="jpeg")
    message.data = cv2.imencode(".jpg", cv2.resize(coarse, (WIDTH, HEIGHT)))[1].tobytes()
    depth = rng.uniform(0.5, 1 + number % 7, (HEIGHT, WIDTH)).astype(np.float32)
    return message, depth, rng.integers(0, 3, (HEIGHT, WIDTH)).astype(np.uint8)


def show(pictures: DemoPictures, number: int, lost: tuple[str, ...] = ()) -> None:
    """A frame that goes in, and its results but those that are lost."""
    message, depth, classes = camera(number)
    pictures.take_frame(message)
    for output, image, encoding in (("depth", depth, "32FC1"), ("segmentation", classes, "mono8")):
        if output not in lost:
            pictures.take_result(output, image_from_array(image, encoding, message.header))


def test_the_strip_shows_six_frames_of_all_in_the_colours_of_all(tmp_path):
    with closing(DemoPictures(tmp_path, PALETTE)) as pictures:
        for number in range(11):
            show(pictures, number)
        assert pictures.finish()
    shown = [camera(number) for number in range(11)]
    depth_range = viewing_range([depth for _, depth, _ in shown])
    rows = [
        side_by_side(rgb_from_compressed(shown[number][0]), *shown[number][1:], PALETTE, depth_range)
        for number in (0, 2, 4, 6, 8, 10)
    ]
    strip = cv2.cvtColor(cv2.imread(str(tmp_path / "strip.png")), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(strip[: len(np.vstack(rows))], np.vstack(rows))
    assert frames_in(tmp_path / "video.mp4") == 11


def test_a_frame_without_both_results_is_not_shown(tmp_path):
    with closing(DemoPictures(tmp_path, PALETTE)) as pictures:
        for number in range(10):
            show(pictures, number, {2: ("depth",), 5: ("segmentation",), 9: ("depth", "segmentation")}.get(number, ()))
        assert pictures.finish()
    assert frames_in(tmp_path / "video.mp4") == 7


def test_no_results_leave_no_pictures(tmp_path):
    with closing(DemoPictures(tmp_path, PALETTE)) as pictures:
        show(pictures, 0, ("depth", "segmentation"))
        assert not pictures.finish()
    assert not [*tmp_path.iterdir()]


def test_an_interrupted_recording_leaves_no_half_video(tmp_path):
    with closing(DemoPictures(tmp_path, PALETTE)) as pictures:
        for number in range(HELD + 3):
            show(pictures, number)
        begun = time.monotonic()
        while not list(tmp_path.iterdir()) and time.monotonic() < begun + 20:
            time.sleep(0.02)
        assert [path.name for path in tmp_path.iterdir()] != []
    assert not [*tmp_path.iterdir()]


def test_a_long_recording_takes_no_more_memory_than_a_short_one(tmp_path):
    peaks = []
    for frames in (2 * HELD + 10, 5 * HELD + 10):
        tracemalloc.start()
        with closing(DemoPictures(tmp_path, PALETTE)) as pictures:
            for number in range(frames):
                show(pictures, number, ("depth",) if number % 5 == 0 else ())
            assert pictures.finish()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert frames_in(tmp_path / "video.mp4") == frames - -(-frames // 5)
        assert cv2.imread(str(tmp_path / "strip.png")).shape[0] > 6 * HEIGHT
    assert peaks[1] < 1.1 * peaks[0], peaks
