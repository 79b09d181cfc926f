"""Bags of data set folders read back as they were recorded; damaged ones say so; failures leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from noise_folder import HEIGHT, WIDTH, write_dataset
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.recordings.bag_reading import RecordedTopic, open_bag
from mtl_perception.recordings.bags import (
    CAMERA_INFO_TOPIC,
    DEPTH_TOPIC,
    FRAME_ID,
    IMAGE_TOPIC,
    BagError,
    write_bag_from_folder,
)

COMPRESSED_TOPIC = f"{IMAGE_TOPIC}/compressed"


def read(path: Path) -> dict[str, list]:
    """Every message by topic, in order."""
    found: dict[str, list] = {}
    with open_bag(path) as bag:
        for message in bag.messages():
            found.setdefault(message.topic, []).append((message.time, bag.fields(message)))
    return found


def stamp(message) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


@pytest.mark.parametrize("jpeg_quality", [95, None])
def test_stored_pictures_are_recorded_byte_for_byte(tmp_path, jpeg_quality):
    folder = write_dataset(tmp_path / "set", jpeg_quality=jpeg_quality)
    write_bag_from_folder(folder, folder.names(), tmp_path / "new" / "a.mcap", rate=20.0)
    topics = read(tmp_path / "new" / "a.mcap")
    assert set(topics) == {COMPRESSED_TOPIC, CAMERA_INFO_TOPIC}
    for (_, message), name in zip(topics[COMPRESSED_TOPIC], folder.names(), strict=True):
        assert bytes(message.data) == folder.path("rgb", name).read_bytes()
        assert ("jpeg" if jpeg_quality else "png") in message.format


def test_stamps_run_at_the_rate_and_belong_together(tmp_path, folder):
    write_bag_from_folder(folder, folder.names()[:3], tmp_path / "a.mcap", rate=8.0, depth=True)
    topics = read(tmp_path / "a.mcap")
    for messages in topics.values():
        assert [time for time, _ in messages] == [stamp(m) for _, m in messages]
        assert np.diff([time for time, _ in messages]).tolist() == [125_000_000] * 2
        assert all(m.header.frame_id == FRAME_ID for _, m in messages)
    assert len({tuple(time for time, _ in messages) for messages in topics.values()}) == 1


def test_the_camera_info_is_the_folders_camera(tmp_path, folder):
    write_bag_from_folder(folder, ["a0"], tmp_path / "a.mcap", rate=10.0)
    ((_, info),) = read(tmp_path / "a.mcap")[CAMERA_INFO_TOPIC]
    assert (info.height, info.width) == (HEIGHT, WIDTH)
    assert info.k.tolist() == [30.0, 0, 15.5, 0, 31.0, 11.5, 0, 0, 1]
    assert info.p.tolist() == [30.0, 0, 15.5, 0, 0, 31.0, 11.5, 0, 0, 0, 1, 0]
    assert info.r.tolist() == np.eye(3).ravel().tolist() and not info.d.any()


def test_a_folder_without_a_camera_gives_no_camera_info(tmp_path):
    folder = write_dataset(tmp_path / "set", intrinsics=None)
    write_bag_from_folder(folder, ["a0"], tmp_path / "a.mcap", rate=10.0)
    assert set(read(tmp_path / "a.mcap")) == {COMPRESSED_TOPIC}


def test_raw_images_and_depth_are_the_folders_pixels(tmp_path, folder):
    write_bag_from_folder(folder, ["a0", "a1"], tmp_path / "a.mcap", rate=10.0, raw=True, depth=True)
    topics = read(tmp_path / "a.mcap")
    assert set(topics) == {IMAGE_TOPIC, CAMERA_INFO_TOPIC, DEPTH_TOPIC}
    for i, name in enumerate(("a0", "a1")):
        image, depth = topics[IMAGE_TOPIC][i][1], topics[DEPTH_TOPIC][i][1]
        assert (image.encoding, image.step, image.is_bigendian) == ("rgb8", 3 * WIDTH, 0)
        np.testing.assert_array_equal(image.data.reshape(HEIGHT, WIDTH, 3), folder.read_rgb(name))
        assert (depth.encoding, depth.step, depth.is_bigendian) == ("16UC1", 2 * WIDTH, 0)
        millimetres = depth.data.view("<u2").reshape(HEIGHT, WIDTH)
        metres = folder.read_depth(name)
        np.testing.assert_array_equal(millimetres, np.rint(metres * 1000))
        assert (metres > 0).mean() > 0.9


def test_depth_in_finer_units_or_too_far_becomes_millimetres_or_unknown(tmp_path):
    folder = write_dataset(tmp_path / "set", depth_per_metre=500.0)
    path = folder.path("depth", "a0")
    raw = np.full((HEIGHT, WIDTH), 40_000, np.uint16)  # 80 m
    raw[0], raw[1] = 0, 1500
    cv2.imwrite(str(path), raw)
    write_bag_from_folder(folder, ["a0"], tmp_path / "a.mcap", rate=10.0, depth=True)
    ((_, depth),) = read(tmp_path / "a.mcap")[DEPTH_TOPIC]
    assert depth.data.view("<u2").reshape(HEIGHT, WIDTH)[:3, 0].tolist() == [0, 3000, 0]


def test_messages_can_be_asked_for_by_topic(tmp_path, folder):
    write_bag_from_folder(folder, folder.names(), tmp_path / "a.mcap", rate=10.0)
    with open_bag(tmp_path / "a.mcap") as bag:
        assert bag.topics == {
            COMPRESSED_TOPIC: RecordedTopic("sensor_msgs/msg/CompressedImage", 4),
            CAMERA_INFO_TOPIC: RecordedTopic("sensor_msgs/msg/CameraInfo", 4),
        }
        messages = list(bag.messages([CAMERA_INFO_TOPIC]))
        assert len(messages) == 4 and {m.topic for m in messages} == {CAMERA_INFO_TOPIC}


def test_ros_reads_the_messages(tmp_path, folder):
    """The bytes are those rclpy would have recorded."""
    serialization = pytest.importorskip("rclpy.serialization")
    from sensor_msgs.msg import CameraInfo

    write_bag_from_folder(folder, ["a0"], tmp_path / "a.mcap", rate=10.0)
    with open_bag(tmp_path / "a.mcap") as bag:
        (message,) = bag.messages([CAMERA_INFO_TOPIC])
    info = serialization.deserialize_message(message.data, CameraInfo)
    assert info.k[0] == 30.0 and serialization.serialize_message(info) == message.data


# Failures


def contents(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


@pytest.mark.parametrize(
    ("out", "names", "complaint"),
    [
        ("new/a.db3", ["a0"], "a file named .mcap, not a.db3"),
        ("new/a", ["a0"], "a file named .mcap, not a"),
        ("new/a.mcap", [], "has no such frames"),
        ("new/a.mcap", ["a0", "a9"], "frame a9 has no rgb"),
        ("new/a.mcap", ["a0", "a3"], "frame a3 has no depth"),
        ("new/a.mcap", ["a0", "broken"], "broken.jpg: JPEG of 100 bytes is cut off"),
        ("new/a.mcap", ["a0", "large"], "large.jpg is 64x48, dataset.json says 32x24"),
        ("new/a.mcap", ["../a0"], "cannot name a frame"),
        ("there.mcap", ["a0"], "there.mcap already exists: choose another name"),
    ],
)
def test_a_failure_leaves_nothing_behind(tmp_path, folder, out, names, complaint):
    (tmp_path / "there.mcap").write_text("precious")
    (folder.root / "rgb" / "broken.jpg").write_bytes(folder.path("rgb", "a0").read_bytes()[:100])
    cv2.imwrite(str(folder.root / "rgb" / "large.jpg"), np.zeros((48, 64, 3), np.uint8))
    before = contents(tmp_path)
    with pytest.raises((BagError, DatasetError), match=complaint):
        write_bag_from_folder(folder, names, tmp_path / out, rate=10.0, depth=True)
    assert contents(tmp_path) == before
    assert (tmp_path / "there.mcap").read_text() == "precious"


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("bags")
    folder = write_dataset(root / "set")
    write_bag_from_folder(folder, ["a0", "a1"], root / "good.mcap", rate=10.0)
    return root / "good.mcap"


def copied(bag: Path, out: Path) -> Path:
    """The same messages in a folder, as SQLite."""
    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(out, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer, open_bag(bag) as source:
        kinds = {topic: recorded.type for topic, recorded in source.topics.items()}
        connections = {t: writer.add_connection(t, kind, typestore=store) for t, kind in kinds.items()}
        for message in source.messages():
            writer.write(connections[message.topic], message.time, message.data)
    return out


@pytest.mark.parametrize("climb", ["../{name}", "{parent}/{name}"])
def test_a_recording_whose_metadata_leads_out_of_its_folder_is_not_followed(tmp_path, bag, climb):
    folder = copied(bag, tmp_path / "other")
    (inside,) = folder.glob("*.db3")
    inside.rename(tmp_path / "secret.db3")
    metadata = folder / "metadata.yaml"
    outside = climb.format(name="secret.db3", parent=tmp_path)
    metadata.write_text(metadata.read_text().replace(inside.name, outside))
    assert outside in metadata.read_text()
    with pytest.raises(BagError, match="other is no bag"), open_bag(folder):
        pass


def test_errors_of_the_reader_pass_through_unchanged(bag):
    with pytest.raises(ZeroDivisionError), open_bag(bag) as opened:
        for _ in opened.messages():
            raise ZeroDivisionError
