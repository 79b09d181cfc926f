"""Frames out of a recording: colours, true depth pixel on pixel, labels, and what is said of what cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from recorder import (
    DEPTH,
    FOCAL,
    HEIGHT,
    IMAGE,
    INFO,
    LABELS,
    SECOND,
    START,
    WIDTH,
    png,
    record_frames,
    recording,
    scene,
)

from mtl_perception.evaluation.frames import Frame, FrameReader
from mtl_perception.evaluation.topics import choose_topics
from mtl_perception.evaluation.true_classes import LabelFolder
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.errors import BagError

RGB, METRES, CLASSES = scene(0)
MILLIMETRES = np.rint(METRES * 1000).astype(np.uint16)


def read(path: Path, labels: str | None = None, **asked) -> tuple[list[Frame], FrameReader]:
    with open_bag(path) as bag:
        topics = choose_topics(bag, look_for_labels=labels is None, **asked)
        folder = LabelFolder(labels, bag.topics[topics.image].count) if labels else None
        reader = FrameReader(bag, topics, folder)
        return list(reader.frames()), reader


@pytest.mark.parametrize("name", ["new", "old.bag"])
def test_frames_are_what_was_recorded(tmp_path, name):
    frames, reader = read(record_frames(tmp_path / name, 3))
    assert [(f.index, f.stamp) for f in frames] == [(i, START + i * SECOND // 10) for i in range(3)]
    for i, frame in enumerate(frames):
        rgb, metres, classes = scene(i)
        np.testing.assert_array_equal(frame.rgb, rgb)
        np.testing.assert_allclose(frame.depth, metres, atol=5e-4)
        np.testing.assert_array_equal(frame.classes, classes)
        assert frame.focal_length == FOCAL and frame.depth.dtype == np.float32
    assert not reader.skipped and not reader.notes


@pytest.mark.parametrize("kind", ["16UC1", "32FC1", "mono16", "compressedDepth"])
def test_depth_comes_in_metres_however_it_is_sent(tmp_path, kind):
    with recording(tmp_path / "bag") as recorder:
        recorder.info(INFO, START)
        recorder.compressed(f"{IMAGE}/compressed", START, png(RGB))
        if kind == "compressedDepth":
            recorder.compressed_depth(f"{DEPTH}/compressedDepth", START, MILLIMETRES)
        else:
            recorder.image(DEPTH, START, METRES if kind == "32FC1" else MILLIMETRES, kind)
    ((frame,), _) = read(tmp_path / "bag")
    np.testing.assert_array_equal(frame.rgb, RGB)
    np.testing.assert_allclose(frame.depth, METRES, atol=5e-4)


def other_depth(path: Path, *, transform=True, own_info=True, frame_id="depth_eye", image_info=True) -> Path:
    """A wall 2 m away, seen by a depth camera of another size and lens, 10 cm to the right of the colour camera."""
    with recording(path) as recorder:
        if transform:
            recorder.static_transform(START - SECOND, "eye", "depth_eye", x=0.1)
        if image_info:
            recorder.info("/eye/camera_info", START)
        recorder.image("/eye/image_raw", START, RGB, "rgb8")
        if own_info:
            recorder.info("/depth_eye/camera_info", START, focal=25.0, width=40, height=30, frame_id=frame_id)
        wall = np.full((30, 40), 2000, np.uint16)
        recorder.image("/depth_eye/image_raw", START, wall, "16UC1", frame_id=frame_id)
    return path


def test_depth_of_another_camera_is_brought_into_the_image(tmp_path):
    ((frame,), reader) = read(other_depth(tmp_path / "bag"))
    known = frame.depth > 0
    assert frame.depth.shape == (HEIGHT, WIDTH) and not reader.notes
    np.testing.assert_array_equal(frame.depth[known], 2.0)
    # Of the wall the depth camera sees 40/25 * 2 m, shifted 10 cm: 2.5 pixels of the colour camera.
    columns = np.flatnonzero(known.any(0))
    assert columns[0] <= 2 and known[:, 5:-5].mean() == 1.0


def test_depth_of_another_size_in_the_same_frame_is_scaled(tmp_path):
    ((frame,), _) = read(other_depth(tmp_path / "bag", transform=False, frame_id="eye"))
    np.testing.assert_array_equal(frame.depth[5:-5, 5:-5], 2.0)


@pytest.mark.parametrize(
    ("lacks", "complaint"),
    [
        (
            dict(transform=False),
            "depth is in frame 'depth_eye', colour in 'eye'.*how they lie to each other is unknown",
        ),
        (
            dict(own_info=False),
            r"depth \(40x30, frame 'depth_eye'\) is not in the colour camera's image.*no camera_info",
        ),
        (dict(own_info=False, frame_id="eye"), r"depth \(40x30, frame 'eye'\) is not in the colour camera's image"),
        (dict(image_info=False), "the colour camera has no camera_info, so how depth lies to it is unknown"),
    ],
)
def test_depth_that_cannot_be_brought_there_is_left_out_and_told_why(tmp_path, lacks, complaint):
    ((frame,), reader) = read(other_depth(tmp_path / "bag", **lacks))
    assert frame.depth is None
    assert re.search(rf"depth not used: {complaint}.* \(1 times\)", "\n".join(reader.notes))


def test_without_camera_info_depth_of_one_size_and_frame_will_do(tmp_path):
    with recording(tmp_path / "bag") as recorder:
        recorder.image(IMAGE, START, RGB, "rgb8")
        recorder.image(DEPTH, START, MILLIMETRES, "16UC1")
    ((frame,), reader) = read(tmp_path / "bag")
    assert frame.focal_length is None and frame.depth is not None
    assert "no camera_info: depth is right only for a camera like the one" in reader.notes[0]


@pytest.mark.parametrize(
    ("info", "note"),
    [
        ({"focal": 0.0}, "camera_info is of no calibrated camera"),
        (
            {"width": 2 * WIDTH},
            f"camera_info is of {2 * WIDTH}x{HEIGHT}, the image of {WIDTH}x{HEIGHT}: it was cropped",
        ),
        ({"frame_id": "infra"}, "camera_info is of 'infra', the image of 'eye': where that is another camera"),
    ],
)
def test_a_camera_info_that_may_not_be_meant_is_told(tmp_path, info, note):
    """Depth off by a ratio of focal lengths would be put down to the network."""
    with recording(tmp_path / "bag") as recorder:
        recorder.info(INFO, START, **info)
        recorder.image(IMAGE, START, scene(0)[0], "rgb8")
    (frame,), reader = read(tmp_path / "bag")
    assert (frame.focal_length is None) == ("frame_id" not in info)
    assert any(line.startswith(note) for line in reader.notes)


def test_images_that_cannot_be_used_are_counted_by_reason_and_the_rest_is_read(tmp_path):
    whole = png(RGB)
    with recording(tmp_path / "bag") as recorder:
        for i in range(9):
            data = whole if i % 3 == 0 else whole[: 100 + i] if i % 3 == 1 else b""
            recorder.compressed(IMAGE, START + i * SECOND, data)
    frames, reader = read(tmp_path / "bag")
    assert [f.index for f in frames] == [0, 3, 6]
    assert sorted(reader.skipped.values()) == [3, 3] and reader.images == 9
    assert any("PNG of 101 bytes is cut off or damaged" in reason for reason in reader.skipped)


def test_truth_that_cannot_be_used_leaves_the_image(tmp_path):
    with recording(tmp_path / "bag") as recorder:
        for i in range(3):
            recorder.image(IMAGE, START + i * SECOND, RGB, "rgb8")
            recorder.image(LABELS, START + i * SECOND, CLASSES[:-1], "mono8")
            recorder.image(DEPTH, START + i * SECOND, np.full((HEIGHT, WIDTH), 3000, np.float32), "32FC1")
    frames, reader = read(tmp_path / "bag", depth=DEPTH)
    assert len(frames) == 3 and all(f.classes is None and f.depth is None for f in frames)
    notes = "\n".join(reader.notes)
    assert "labels not used: 64x47, the image is 64x48 (3 times)" in notes
    assert "the camera seems to send millimetres" in notes


def test_stamps_left_at_zero_give_way_to_the_recording_time(tmp_path):
    with recording(tmp_path / "bag") as recorder:
        for i in range(3):
            recorder.image(IMAGE, 0, scene(i)[0], "rgb8", time=START + i * SECOND)
            recorder.image(DEPTH, 0, MILLIMETRES, "16UC1", time=START + i * SECOND + 5_000_000)
    frames, _ = read(tmp_path / "bag")
    assert [f.stamp for f in frames] == [START + i * SECOND for i in range(3)]
    assert all(f.depth is not None for f in frames)


def test_wanted_frames_alone_are_decoded(tmp_path):
    path = record_frames(tmp_path / "bag", 6)
    with open_bag(path) as bag:
        reader = FrameReader(bag, choose_topics(bag))
        frames = list(reader.frames({1, 3}))
        assert [f.index for f in frames] == [1, 3]
        np.testing.assert_array_equal(frames[1].classes, scene(3)[2])
        assert list(FrameReader(bag, choose_topics(bag)).frames(set())) == []


def test_labels_from_disk_go_with_their_images(tmp_path):
    path = record_frames(tmp_path / "bag", 3, labels=False)
    masks = tmp_path / "masks"
    masks.mkdir()
    cv2.imwrite(str(masks / "1.png"), CLASSES)
    cv2.imwrite(str(masks / "2.png"), CLASSES[:, :-1])
    frames, reader = read(path, labels=str(masks))
    assert frames[0].classes is None and frames[2].classes is None
    np.testing.assert_array_equal(frames[1].classes, CLASSES)
    assert reader.notes == ["labels not used: 63x48, the image is 64x48 (1 times)"]


def test_frames_before_damage_come_out(tmp_path):
    with recording(tmp_path / "bag") as recorder:
        for i in range(40):
            recorder.frame(i)
            recorder.image("/filler", START + i * SECOND // 10, np.zeros((300, 1000), np.uint8), "mono8")
    file = next((tmp_path / "bag").glob("*.mcap"))
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400_000] = b"\xff" * 400_000
    file.write_bytes(data)
    with open_bag(file) as bag:
        reader, frames = FrameReader(bag, choose_topics(bag)), []
        with pytest.raises(BagError, match="is damaged"):
            for frame in reader.frames():
                frames.append(frame)
    assert 5 < len(frames) < 40
    assert [f.index for f in frames] == list(range(len(frames)))
