"""Bags of data set folders read back as they were recorded; damaged ones say so; failures leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from noise_folder import HEIGHT, WIDTH, write_dataset
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_typestore

from mtl_perception.bags import (
    CAMERA_INFO_TOPIC,
    DEPTH_TOPIC,
    FRAME_ID,
    IMAGE_TOPIC,
    BagError,
    open_bag,
    write_bag_from_folder,
)
from mtl_perception.dataset_folder import DatasetError

COMPRESSED_TOPIC = f"{IMAGE_TOPIC}/compressed"


def read(path: Path) -> dict[str, list]:
    """Every message by topic, in order."""
    found: dict[str, list] = {}
    with open_bag(path) as bag:
        for message in bag.messages():
            found.setdefault(message.topic, []).append((message.time, bag.deserialize(message)))
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
        assert bag.message_count == 8
        assert bag.topics == {
            COMPRESSED_TOPIC: "sensor_msgs/msg/CompressedImage",
            CAMERA_INFO_TOPIC: "sensor_msgs/msg/CameraInfo",
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


def copied(bag: Path, out: Path, plugin: StoragePlugin, compressed: bool = False) -> Path:
    """The same messages as another recorder stores them, a folder."""
    store = get_typestore(Stores.ROS2_JAZZY)
    writer = Writer(out, version=9, storage_plugin=plugin)
    if compressed:
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer, open_bag(bag) as source:
        connections = {t: writer.add_connection(t, kind, typestore=store) for t, kind in source.topics.items()}
        for message in source.messages():
            writer.write(connections[message.topic], message.time, message.data)
    return out


@pytest.mark.parametrize(
    ("plugin", "compressed"), [(StoragePlugin.SQLITE3, False), (StoragePlugin.MCAP, False), (StoragePlugin.MCAP, True)]
)
def test_other_recorders_bags_are_read_too(tmp_path, bag, plugin, compressed):
    with open_bag(bag) as ours, open_bag(copied(bag, tmp_path / "other", plugin, compressed)) as theirs:
        assert theirs.topics == ours.topics
        assert list(theirs.messages()) == list(ours.messages())


@pytest.mark.parametrize("kind", ["mcap", "zstd", "db3"])
def test_a_damaged_bag_is_read_or_refused_by_name(tmp_path, bag, kind):
    """Cut off or with flipped bits, whatever the library underneath makes of it."""
    plugin = StoragePlugin.SQLITE3 if kind == "db3" else StoragePlugin.MCAP
    whole = next(copied(bag, tmp_path / "other", plugin, kind == "zstd").glob("other*[b3p]")).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / f"damaged.{'db3' if kind == 'db3' else 'mcap'}"
    refused = 0
    for i in range(24):
        damaged = bytearray(whole)
        if i % 2:
            del damaged[rng.integers(len(whole)) :]
        else:
            damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            read(path)
        except BagError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 8


def test_what_is_no_bag_is_refused_by_name(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("a.mcap", "a.db3", "a.txt", "a"):
        (tmp_path / name).write_text("hello")
    for name in ("folder", "a.mcap", "a.db3", "a.txt", "a"):
        with pytest.raises(BagError, match=f"{name} is no rosbag2, or damaged: "), open_bag(tmp_path / name):
            pass
    with pytest.raises(BagError, match=r"there is no bag .*none\.mcap"), open_bag(tmp_path / "none.mcap"):
        pass
    (tmp_path / "old.bag").write_text("#ROSBAG V2.0")
    with (
        pytest.raises(BagError, match="bag of ROS 1: convert it with `rosbags-convert"),
        open_bag(tmp_path / "old.bag"),
    ):
        pass


def test_a_recording_without_its_metadata_is_refused_by_name(tmp_path, bag):
    folder = copied(bag, tmp_path / "other", StoragePlugin.SQLITE3)
    (folder / "metadata.yaml").write_text("rosbag2_bagfile_information: 5")
    with pytest.raises(BagError, match="other is no rosbag2"), open_bag(folder):
        pass


@pytest.mark.parametrize("climb", ["../{name}", "{parent}/{name}"])
def test_a_recording_whose_metadata_leads_out_of_its_folder_is_not_followed(tmp_path, bag, climb):
    folder = copied(bag, tmp_path / "other", StoragePlugin.SQLITE3)
    (inside,) = folder.glob("*.db3")
    inside.rename(tmp_path / "secret.db3")
    metadata = folder / "metadata.yaml"
    outside = climb.format(name="secret.db3", parent=tmp_path)
    metadata.write_text(metadata.read_text().replace(inside.name, outside))
    assert outside in metadata.read_text()
    with pytest.raises(BagError, match="other is no rosbag2"), open_bag(folder):
        pass


def test_errors_of_the_reader_pass_through_unchanged(bag):
    with pytest.raises(ZeroDivisionError), open_bag(bag) as opened:
        for _ in opened.messages():
            raise ZeroDivisionError
