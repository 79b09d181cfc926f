"""Frames to calibrate on: of any source, spread over all of it, and a line that says what is wrong with the source."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from noise_folder import HEIGHT, WIDTH, write_dataset
from recorder import DEPTH, IMAGE, START, png, record_frames, recording, scene

from mtl_perception.deployment.calibration_frames import frames_of
from mtl_perception.deployment.errors import DeploymentError


def assert_scenes(frames, numbers):
    frames = list(frames)
    assert len(frames) == len(numbers)
    for frame, number in zip(frames, numbers, strict=True):
        np.testing.assert_array_equal(frame, scene(number)[0])


@pytest.mark.parametrize(("count", "numbers"), [(1, [0]), (3, [0, 4, 8]), (9, list(range(9))), (50, list(range(9)))])
def test_frames_are_spread_over_a_recording(tmp_path, count, numbers):
    assert_scenes(frames_of(str(record_frames(tmp_path / "bag", 9)), count), numbers)


def test_frames_are_spread_over_a_folder_or_a_split_of_it(tmp_path):
    folder = write_dataset(tmp_path / "set")
    for source, names in ((tmp_path / "set", ["a0", "a3"]), (f"{tmp_path}/set:train", ["a0", "a2"])):
        frames = list(frames_of(str(source), 2))
        assert [f.shape for f in frames] == [(HEIGHT, WIDTH, 3)] * 2
        for frame, name in zip(frames, names, strict=True):
            np.testing.assert_array_equal(frame, folder.read_rgb(name))


def test_a_folder_whose_name_has_a_colon_is_one(tmp_path):
    write_dataset(tmp_path / "set:1")
    assert len(list(frames_of(f"{tmp_path}/set:1", 9))) == 4
    assert len(list(frames_of(f"{tmp_path}/set:1:train", 9))) == 3


def two_cameras(path):
    with recording(path) as recorder:
        for number in range(3):
            recorder.image("/left/image_raw", START + number, scene(number)[0], "rgb8")
            recorder.image("/right/image_raw", START + number, scene(10 + number)[0], "rgb8")
            for side in "left", "right":  # no matter that several could be the true depth: it is not read
                recorder.image(f"/{side}/depth", START + number, np.ones((4, 4), np.uint16), "16UC1")
    return str(path)


def test_of_several_cameras_one_is_named(tmp_path):
    bag = two_cameras(tmp_path / "bag")
    assert_scenes(frames_of(bag, 2, image="/right/image_raw"), [10, 12])
    for image, complaint in (
        (None, "images could be of 2 topics: name one with --image: /left/image_raw, /right/image_raw"),
        ("/nose", r"has no topic /nose \(--image\)"),
    ):
        with pytest.raises(DeploymentError, match=complaint):
            next(frames_of(bag, 2, image=image))


def test_images_that_cannot_be_decoded_are_left_out_unless_none_is_left(tmp_path):
    for path, damaged in ((tmp_path / "some", {1}), (tmp_path / "all", {0, 1, 2})):
        with recording(path) as recorder:
            for number in range(3):
                data = png(scene(number)[0])
                recorder.compressed(f"{IMAGE}/compressed", START + number, b"torn" if number in damaged else data)
    assert_scenes(frames_of(str(tmp_path / "some"), 3), [0, 2])
    with pytest.raises(DeploymentError, match=rf"no image of {IMAGE}/compressed in .*all can be used: .") as refusal:
        list(frames_of(str(tmp_path / "all"), 3))
    assert "\n" not in str(refusal.value)


def test_a_recording_without_a_camera_is_refused(tmp_path):
    with recording(tmp_path / "bag") as recorder:
        recorder.image(DEPTH, START, np.ones((4, 4), np.uint16), "16UC1")
    with pytest.raises(DeploymentError, match="has no images of a camera"):
        next(frames_of(str(tmp_path / "bag"), 1))


def test_what_is_wrong_with_a_source_is_one_line(tmp_path):
    write_dataset(tmp_path / "set")
    (tmp_path / "empty").mkdir()
    write_dataset(tmp_path / "bare", splits={"val": []})
    write_dataset(tmp_path / "torn")
    (tmp_path / "torn/rgb/a2.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((4, 4, 3), np.uint8))[1].tobytes()[:80])
    for source, complaint in (
        ("nowhere", "there is no recording or data set folder .*nowhere$"),
        ("nowhere:val", "there is no recording or data set folder .*nowhere:val$"),
        ("set:test", "has no split 'test'; it has: train, val"),
        ("empty", "empty is no bag"),
        ("empty:val", "empty is no data set folder"),
        ("bare:val", "bare:val has no frames"),
        ("torn", r"torn/rgb/a2.jpg"),
    ):
        with pytest.raises(DeploymentError, match=complaint) as refusal:
            list(frames_of(f"{tmp_path}/{source}", 9))
        assert "\n" not in str(refusal.value)
    with pytest.raises(DeploymentError, match="set is a data set folder and has no topic /eye"):
        next(frames_of(f"{tmp_path}/set", 9, image="/eye"))
