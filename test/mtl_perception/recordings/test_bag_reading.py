"""Every kind of recording reads the same; what is damaged is read as far as it goes, or refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from recorder import DEPTH, IMAGE, INFO, LABELS, SECOND, START, png, record_frames, recording, scene
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2.enums import CompressionMode
from rosbags.typesys import Stores, get_typestore

from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.errors import BagError

KINDS = {
    "mcap": dict(),
    "sqlite": dict(plugin=StoragePlugin.SQLITE3),
    "file_compressed": dict(compression=CompressionMode.FILE),
    "message_compressed": dict(compression=CompressionMode.MESSAGE),
    "chunk_compressed": dict(compression=CompressionMode.STORAGE),
}


def read(path: Path) -> dict[str, list]:
    found: dict[str, list] = {}
    with open_bag(path) as bag:
        for message in bag.messages(list(bag.topics)):
            found.setdefault(message.topic, []).append((message.time, bag.fields(message)))
    return found


def colours(found: dict[str, list]) -> list[np.ndarray]:
    return [m.data.reshape(m.height, m.width, 3) for _, m in found[IMAGE]]


def assert_whole(found: dict[str, list], count: int = 4) -> None:
    assert set(found) == {IMAGE, INFO, DEPTH, LABELS}
    assert [time for time, _ in found[IMAGE]] == [START + i * SECOND // 10 for i in range(count)]
    for i, rgb in enumerate(colours(found)):
        np.testing.assert_array_equal(rgb, scene(i)[0])
    info = found[INFO][0][1]
    assert info.k[0] == 50 and list(info.p)[:3] == [50, 0, 31.5] and not any(info.d)


@pytest.mark.parametrize("kind", KINDS)
def test_every_storage_and_compression_reads_the_same(tmp_path, kind):
    path = record_frames(tmp_path / "bag", **KINDS[kind])
    assert_whole(read(path))
    with open_bag(path) as bag:
        assert bag.topics[IMAGE].count == 4 and bag.topics[IMAGE].type == "sensor_msgs/msg/Image"
        assert bag.storage == ("sqlite3" if kind == "sqlite" else "mcap")
        assert not bag.notes and bag.breaks_off is None


def test_a_single_file_will_do(tmp_path):
    assert_whole(read(next(record_frames(tmp_path / "a").glob("*.mcap"))))
    assert_whole(read(next(record_frames(tmp_path / "b", plugin=StoragePlugin.SQLITE3).glob("*.db3"))))


def test_a_bag_of_ros_1_reads_under_the_names_of_ros_2(tmp_path):
    path = record_frames(tmp_path / "old.bag")
    assert_whole(read(path))
    with open_bag(path) as bag:
        assert bag.storage == "ros1"


def split(folder: Path, suffix: str) -> Path:
    """A recording of four frames in two files."""
    folder.mkdir()
    for part in range(2):
        name = folder / (f"part{part}.bag" if suffix == ".bag" else f"part{part}")
        plugin = StoragePlugin.SQLITE3 if suffix == ".db3" else StoragePlugin.MCAP
        with recording(name, plugin=plugin) as recorder:
            for number in (2 * part, 2 * part + 1):
                recorder.frame(number)
        if name.is_dir():
            shutil.move(next(name.glob(f"*{suffix}")), folder / f"recording_{part}{suffix}")
            shutil.rmtree(name)
    return folder


@pytest.mark.parametrize("suffix", [".mcap", ".db3", ".bag"])
def test_the_files_of_a_split_recording_are_one(tmp_path, suffix):
    folder = split(tmp_path / "bag", suffix)
    assert_whole(read(folder))
    with open_bag(folder) as bag:
        assert bag.topics[IMAGE].count == 4
        assert (suffix == ".bag") == (not bag.notes)  # ROS 1 has no metadata.yaml to be missing


def test_a_split_recording_with_its_metadata_is_read_by_it(tmp_path):
    """As `ros2 bag record --max-bag-size` leaves it."""
    from rosbags.rosbag2 import Reader
    from ruamel.yaml import YAML

    folder = split(tmp_path / "bag", ".mcap")
    whole = record_frames(tmp_path / "whole")
    with Reader(whole) as reader:
        assert reader.message_count == 16
    metadata = YAML(typ="safe").load((whole / "metadata.yaml").read_text())
    metadata["rosbag2_bagfile_information"]["relative_file_paths"] = ["recording_0.mcap", "recording_1.mcap"]
    with open(folder / "metadata.yaml", "w") as file:
        YAML().dump(metadata, file)
    assert_whole(read(folder))
    with open_bag(folder) as bag:
        assert not bag.notes


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_without_metadata_the_files_are_read_and_it_is_said(tmp_path, plugin):
    path = record_frames(tmp_path / "bag", plugin=plugin)
    (path / "metadata.yaml").unlink()
    assert_whole(read(path))
    with open_bag(path) as bag:
        (note,) = bag.notes
        assert "bag has no metadata.yaml: read file by file, bag." in note


def test_damaged_metadata_likewise(tmp_path):
    path = record_frames(tmp_path / "bag")
    (path / "metadata.yaml").write_text("rosbag2_bagfile_information: 5")
    assert_whole(read(path))


def test_a_file_compressed_whole_needs_its_metadata(tmp_path):
    path = record_frames(tmp_path / "bag", compression=CompressionMode.FILE)
    (path / "metadata.yaml").unlink()
    with pytest.raises(BagError, match=r"bag cannot be read.*metadata"), open_bag(path):
        pass


def test_an_mcap_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path):
    """Whole records only, in order, wherever the power failed."""
    with recording(tmp_path / "bag") as recorder:
        for number in range(30):  # many chunks
            recorder.frame(number)
            recorder.image("/filler", START + number * SECOND // 10, np.zeros((300, 1000), np.uint8), "mono8")
    whole = next((tmp_path / "bag").glob("*.mcap")).read_bytes()
    counts = []
    for share in (0.05, 0.3, 0.5, 0.77, 0.95):
        path = tmp_path / "cut.mcap"
        path.write_bytes(whole[: int(share * len(whole))])
        found = read(path)
        counts.append(len(found.get(IMAGE, [])))
        for i, (time, image) in enumerate(found.get(IMAGE, [])):
            assert time == START + i * SECOND // 10
            np.testing.assert_array_equal(image.data.reshape(48, 64, 3), scene(i)[0])
        with open_bag(path) as bag:
            assert "cut.mcap breaks off: " in bag.breaks_off and "MB are torn" in bag.breaks_off
    assert counts == sorted(counts) and 0 < counts[2] < counts[-1] < 30


def test_an_mcap_file_that_lacks_only_its_index_lacks_nothing(tmp_path):
    path = next(record_frames(tmp_path / "bag").glob("*.mcap"))
    path.write_bytes(path.read_bytes()[:-20])
    assert_whole(read(path))
    with open_bag(path) as bag:
        assert bag.breaks_off is None and "all its messages were read" in bag.notes[0]


def test_a_broken_file_in_a_folder_is_read_as_far_as_it_goes(tmp_path):
    folder = split(tmp_path / "bag", ".mcap")
    last = folder / "recording_1.mcap"
    last.write_bytes(last.read_bytes()[:-2000])
    found = read(folder)
    assert 2 <= len(found[IMAGE]) <= 4
    with open_bag(folder) as bag:
        assert "recording_1.mcap breaks off" in bag.breaks_off


@pytest.mark.parametrize("kind", ["mcap", "chunk_compressed", "sqlite", "ros1"])
def test_damage_anywhere_is_a_line_that_names_the_file(tmp_path, kind):
    if kind == "ros1":
        path = record_frames(tmp_path / "bag.bag")
    else:
        path = next(record_frames(tmp_path / "bag", **KINDS[kind]).glob("*[b3p]"))
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    damaged_path = tmp_path / f"damaged{path.suffix}"
    refused = 0
    for _ in range(20):
        damaged = bytearray(whole)
        for place in rng.integers(len(whole), size=20):
            damaged[place] ^= 0xFF
        damaged_path.write_bytes(damaged)
        try:
            with open_bag(damaged_path) as bag:
                for message in bag.messages(list(bag.topics)):
                    try:
                        bag.fields(message)
                    except BagError as error:
                        assert "\n" not in str(error) and message.topic in str(error)
        except BagError as error:
            assert "damaged" in str(error) and "\n" not in str(error)
            refused += 1
    assert refused


def test_what_is_no_bag_is_refused_by_name(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("a.txt", "a.mcap", "a.db3", "a.bag"):
        (tmp_path / name).write_text("hello")
    for name, complaint in {
        "none": "there is no bag .*none",
        "empty": "empty is no bag: a bag is a file named",
        "a.txt": "a.txt is no bag",
        "a.mcap": "a.mcap is no MCAP file, or damaged: it does not begin",
        "a.db3": "a.db3 cannot be read",
        "a.bag": "a.bag cannot be read",
    }.items():
        with pytest.raises(BagError, match=complaint), open_bag(tmp_path / name):
            pass


def test_definitions_may_lack_or_be_strange(tmp_path):
    """Those of older SQLite bags are not in the file; other topics' types may be nobody's."""
    import sqlite3

    path = record_frames(tmp_path / "bag", plugin=StoragePlugin.SQLITE3)
    with sqlite3.connect(next(path.glob("*.db3"))) as database:
        database.execute("DELETE FROM message_definitions")
    assert_whole(read(path))
    with sqlite3.connect(next(path.glob("*.db3"))) as database:
        database.execute(
            "INSERT INTO message_definitions (topic_type, encoding, encoded_message_definition, type_description_hash)"
            " VALUES ('sensor_msgs/msg/Image', 'ros2msg', 'what is this', 'RIHS01_0')"
        )
    assert_whole(read(path))


def test_a_message_of_an_unknown_type_is_named_only_when_it_is_asked_for(tmp_path):
    from rosbags.typesys import get_types_from_msg

    path = tmp_path / "bag"
    with recording(path) as recorder:
        recorder.store.register(get_types_from_msg("int32 mood", "strange_msgs/msg/Mood"))
        recorder.write("/mood", START, recorder.make("strange_msgs/msg/Mood", mood=3))
        recorder.frame(0)
    with open_bag(path) as bag:
        (mood,) = bag.messages(["/mood"])
        with pytest.raises(BagError, match="damaged message on /mood"):
            bag.fields(mood)
        assert len(list(bag.messages([IMAGE]))) == 1


@pytest.mark.parametrize("cut", [False, True])
def test_without_an_index_messages_need_not_be_in_order_of_time(tmp_path, cut):
    """As in recordings of the preset fastwrite, or broken off: topics are a little out of step in the file."""
    mcap = pytest.importorskip("mcap.writer")
    store = get_typestore(Stores.ROS2_JAZZY)
    path = tmp_path / "fast.mcap"
    with open(path, "wb") as file:
        writer = mcap.Writer(file, use_chunking=False, index_types=mcap.IndexType.NONE, use_statistics=False)
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channels = [writer.register_channel(topic, "cdr", schema) for topic in ("/a", "/b")]
        for i in range(200):
            data = bytes(store.serialize_cdr(store.types["std_msgs/msg/String"](data=str(i)), "std_msgs/msg/String"))
            time = START + i * SECOND - (i % 2) * 3 * SECOND
            writer.add_message(channels[i % 2], time, data, time)
        writer.finish()
    if cut:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = read(path)
    for topic, odd in (("/a", 0), ("/b", 1)):
        said = [int(m.data) for _, m in found[topic]]
        assert said == list(range(odd, 2 * len(said), 2)) and (40 < len(said) < 60 if cut else len(said) == 100)


def test_bags_of_the_mcap_library_read_too(tmp_path):
    """Another writer than rosbags': schemas in its own words, small chunks, every compression."""
    writer_module = pytest.importorskip("mcap_ros2.writer")
    from mcap.writer import CompressionType

    header = "std_msgs/Header header\n"
    definition = (
        f"{header}string format\nuint8[] data\n"
        "================================================================================\n"
        "MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
        "================================================================================\n"
        "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
    )
    for compression in CompressionType:
        path = tmp_path / f"{compression.name}.mcap"
        with open(path, "wb") as file:
            writer = writer_module.Writer(file, chunk_size=5000, compression=compression, enable_crcs=True)
            schema = writer.register_msgdef("sensor_msgs/msg/CompressedImage", definition)
            for i in range(5):
                stamp = {"sec": START // SECOND + i, "nanosec": 7}
                data = png(scene(i)[0])
                message = {"header": {"stamp": stamp, "frame_id": "eye"}, "format": "png", "data": data}
                writer.write_message("/eye/image_raw/compressed", schema, message, START + i * SECOND, START)
            writer.finish()
        found = read(path)["/eye/image_raw/compressed"]
        assert [bytes(m.data) for _, m in found] == [png(scene(i)[0]) for i in range(5)]
        assert found[4][1].header.stamp.sec == START // SECOND + 4
