"""Folders come out as recordings: at the times of the index, pixel for pixel, and the perception node plays them."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from logged_folder import FIRST, OTHER_RUN, RUN, entry, header, write_index, write_logged
from noise_folder import HEIGHT, WIDTH

from mtl_perception.cli import main
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_tools.export_bag import export_bag
from mtl_perception.messages.arrays import nanoseconds_of
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.bags import CAMERA_INFO_TOPIC, DEPTH_TOPIC, FRAME_ID, IMAGE_TOPIC
from mtl_perception.recordings.errors import BagError

COLOR_TOPIC = f"{IMAGE_TOPIC}/compressed"


def read(path):
    """Every message by topic, with its header's stamp (ns)."""
    found = {}
    with open_bag(path) as bag:
        for message in bag.messages():
            fields = bag.fields(message)
            stamp = fields.header.stamp.sec * 10**9 + fields.header.stamp.nanosec
            assert message.time == stamp
            found.setdefault(message.topic, []).append((stamp, fields))
    return found


def export(folder: DatasetFolder, out, *options: str) -> int:
    return main(["dataset", "export-bag", str(folder.root), str(out), *options])


def test_a_run_reads_back_equal_at_the_times_it_was_taken(tmp_path, capsys):
    folder = write_logged(tmp_path / "set")
    assert export(folder, tmp_path / "a.mcap") == 0
    topics = read(tmp_path / "a.mcap")
    assert set(topics) == {COLOR_TOPIC, DEPTH_TOPIC, CAMERA_INFO_TOPIC}
    for i, name in enumerate(folder.names()):
        (color_stamp, color), (depth_stamp, depth) = topics[COLOR_TOPIC][i], topics[DEPTH_TOPIC][i]
        info_stamp, info = topics[CAMERA_INFO_TOPIC][i]
        assert color_stamp == info_stamp == FIRST + i * 130_000_000
        assert depth_stamp == color_stamp + 7_000_001
        assert bytes(color.data) == folder.path("rgb", name).read_bytes()
        stored = cv2.imread(str(folder.path("depth", name)), cv2.IMREAD_UNCHANGED)
        assert depth.encoding == "16UC1"
        np.testing.assert_array_equal(depth.data.view("<u2").reshape(HEIGHT, WIDTH), stored)
        assert info.k.tolist() == [30.0, 0, 15.5, 0, 31.0, 11.5, 0, 0, 1]
        assert color.header.frame_id == depth.header.frame_id == info.header.frame_id == "rover_eye"
    assert "4 frames over 0.4 s, as they were taken" in capsys.readouterr().out


def test_frames_go_in_order_of_time_not_of_name(tmp_path):
    folder = write_logged(tmp_path / "set")
    names = folder.names()
    write_index(folder.root, RUN, [header(RUN), *(entry(name, 3 - i) for i, name in enumerate(names))])
    assert export(folder, tmp_path / "a.mcap") == 0
    pictures = [bytes(message.data) for _, message in read(tmp_path / "a.mcap")[COLOR_TOPIC]]
    assert pictures == [folder.path("rgb", name).read_bytes() for name in reversed(names)]


def test_one_run_of_several_is_asked_for(tmp_path, capsys):
    folder = write_logged(tmp_path / "set", (RUN, OTHER_RUN))
    assert export(folder, tmp_path / "a.mcap") == 2
    assert f"several runs: choose a --run, or a --rate for all: {RUN}, {OTHER_RUN}" in capsys.readouterr().err
    assert export(folder, tmp_path / "a.mcap", "--run", OTHER_RUN, "--raw") == 0
    images = read(tmp_path / "a.mcap")[IMAGE_TOPIC]
    assert len(images) == 4
    expected = folder.read_rgb(f"{OTHER_RUN}-000002")
    np.testing.assert_array_equal(images[2][1].data.reshape(HEIGHT, WIDTH, 3), expected)


def test_a_rate_takes_the_place_of_the_index(tmp_path):
    folder = write_logged(tmp_path / "set", (RUN, OTHER_RUN))
    assert export(folder, tmp_path / "a.mcap", "--rate", "4") == 0
    topics = read(tmp_path / "a.mcap")
    assert np.diff([stamp for stamp, _ in topics[COLOR_TOPIC]]).tolist() == [250_000_000] * 7
    assert [stamp for stamp, _ in topics[DEPTH_TOPIC]] == [stamp for stamp, _ in topics[COLOR_TOPIC]]


def test_a_folder_without_an_index_plays_at_its_own_rate(tmp_path, folder, capsys):
    assert export(folder, tmp_path / "a.mcap") == 0
    topics = read(tmp_path / "a.mcap")
    assert np.diff([stamp for stamp, _ in topics[COLOR_TOPIC]]).tolist() == [50_000_000] * 3
    assert len(topics[DEPTH_TOPIC]) == 3  # the last frame has none
    assert topics[COLOR_TOPIC][0][1].header.frame_id == FRAME_ID
    assert "4 frames at 20 Hz" in capsys.readouterr().out
    assert export(folder, tmp_path / "b.mcap", "--sequence", "walk") == 0
    assert len(read(tmp_path / "b.mcap")[COLOR_TOPIC]) == 2


def test_a_frame_whose_depth_is_gone_still_plays(tmp_path):
    folder = write_logged(tmp_path / "set")
    folder.path("depth", f"{RUN}-000001").unlink()
    assert export(folder, tmp_path / "a.mcap") == 0
    topics = read(tmp_path / "a.mcap")
    assert len(topics[COLOR_TOPIC]) == 4 and len(topics[DEPTH_TOPIC]) == 3


@pytest.mark.parametrize(
    ("change", "options", "complaint"),
    [
        ({}, ["--run", "nobody"], f"has no run 'nobody'; it has: {RUN}"),
        ({}, ["--sequence", "walk"], "has no sequence 'walk'; it has: none"),
        ({}, ["--split", "val"], "has no split 'val'; it has: none"),
        ({"stamp": -1}, [], "no time that ROS can tell"),
        ({"stamp": 10**30}, [], "no time that ROS can tell"),
        ({"depth_stamp": 2**31 * 10**9}, [], "no time that ROS can tell"),
        ({"name": f"{RUN}-000009"}, [], f"the index has no time of frame {RUN}-000001"),
        ({"name": "../../etc/passwd"}, [], f"the index has no time of frame {RUN}-000001"),
        ({"name": f"{RUN}-000009"}, ["--run", RUN], f"frame {RUN}-000009 has no rgb"),
    ],
)
def test_what_cannot_be_recorded_is_said_and_leaves_nothing(tmp_path, capsys, change, options, complaint):
    folder = write_logged(tmp_path / "set")
    lines = [entry(name, i) for i, name in enumerate(folder.names())]
    lines[1] = {**lines[1], **change}
    write_index(folder.root, RUN, [header(RUN), *lines])
    assert export(folder, tmp_path / "a.mcap", *options) == 2
    out, err = capsys.readouterr()
    assert out == "" and complaint in err and err.strip().count("\n") == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set"]


def test_an_existing_bag_is_kept(tmp_path, folder, capsys):
    (tmp_path / "a.mcap").write_text("precious")
    assert export(folder, tmp_path / "a.mcap") == 2
    assert "already exists" in capsys.readouterr().err
    assert (tmp_path / "a.mcap").read_text() == "precious"


def test_the_perception_node_plays_it(tmp_path, network):
    pytest.importorskip("rclpy")
    from mtl_perception.demo import replay

    folder = write_logged(tmp_path / "set", frames=8)
    assert export(folder, tmp_path / "a.mcap") == 0
    frames, results = [], []
    seen = SimpleNamespace(take_frame=frames.append, take_result=lambda *result: results.append(result))
    traffic, breaks_off = replay(tmp_path / "a.mcap", network, seen)
    assert np.diff(sorted(traffic.sent)).tolist() == [130_000_000] * 7  # as recorded, though begun now
    depths = {nanoseconds_of(image.header.stamp): image for output, image in results if output == "depth"}
    assert depths.keys() <= traffic.sent.keys() and len(depths) >= 4  # a busy machine may drop some
    assert all((depth.height, depth.width) == (HEIGHT, WIDTH) for depth in depths.values())
    assert len(frames) == 8 and breaks_off is None


def test_there_is_no_bag_of_no_frames(tmp_path):
    folder = write_logged(tmp_path / "set", frames=0)
    with pytest.raises(BagError, match="has no such frames"):
        export_bag(folder, [], tmp_path / "a.mcap")
