"""What is written comes back, in the folder and nowhere else; what could not be read back is not written."""

from __future__ import annotations

import os
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from noise_folder import HEIGHT, WIDTH
from one_frame_folder import IMPOSSIBLE_NAMES, black, files, info, write_one

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_writer import DatasetWriter

sides = st.tuples(st.integers(1, 9), st.integers(1, 9))
frame_names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")


@settings(max_examples=25)
@given(st.data(), sides, frame_names, st.sampled_from([1000.0, 256.0, 5000.0, 333.3]), st.sampled_from(["f4", "f8"]))
def test_a_frame_comes_back(data, size, name, per_metre, dtype):
    def draw(kind, elements, shape=size):
        return data.draw(arrays.arrays(kind, shape, elements=elements))

    depth = (draw(np.float64, st.floats(0, 65535)) / per_metre).astype(dtype)
    rgb = draw(np.uint8, st.integers(0, 255), (*size, 3))
    semantic = draw(np.uint8, st.integers(0, 255))
    instance = draw(data.draw(st.sampled_from([np.uint8, np.uint16])), st.integers(0, 255))
    if instance.dtype == np.uint16:
        instance *= 257
    pose = draw(np.float64, st.floats(-1e5, 1e5), (4, 4))
    with tempfile.TemporaryDirectory() as root:
        writer = DatasetWriter(root, info(*size, depth_per_metre=per_metre))
        writer.write_frame(name, rgb, depth=depth, semantic=semantic, instance=instance, pose=pose, jpeg_quality=None)
        writer.finish()
        folder = DatasetFolder(root)
        assert folder.names() == [name]
        np.testing.assert_array_equal(folder.read_rgb(name), rgb)
        back = folder.read_depth(name)
        assert back.dtype == np.float32
        units = depth.astype(float) * per_metre
        held = units <= 65535  # float32 may have rounded the largest up
        assert np.abs(back.astype(float) * per_metre - units)[held].max(initial=0) <= 0.5 + 0.01
        for wrote, read in ((semantic, folder.read_semantic(name)), (instance, folder.read_instance(name))):
            assert read.dtype == wrote.dtype
            np.testing.assert_array_equal(read, wrote)
        np.testing.assert_allclose(folder.read_pose(name), pose, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", IMPOSSIBLE_NAMES)
def test_names_that_climb_out_are_not_written(tmp_path, name):
    writer = DatasetWriter(tmp_path / "new", info())
    with pytest.raises(DatasetError, match="cannot name a frame"):
        writer.write_frame(name, black(), depth=np.ones((HEIGHT, WIDTH)))
    assert files(tmp_path) == set()


def test_depth_that_cannot_be_stored_is_unknown(tmp_path):
    depth = np.full((HEIGHT, WIDTH), 2.0)
    depth[0, :9] = [65.535, 65.536, 1e9, np.inf, -np.inf, np.nan, -1, 0, 0.0004]
    back = write_one(tmp_path, depth=depth).read_depth("a")
    assert back[0, 0] == np.float32(65.535)
    np.testing.assert_array_equal(back[0, 1:9], 0)
    np.testing.assert_array_equal(back[1:], 2)


def test_half_precision_depth_loses_nothing_more(tmp_path):
    depth = np.linspace(0.1, 65, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float16)
    back = write_one(tmp_path, depth=depth).read_depth("a")
    assert np.abs(back - depth.astype(float)).max() <= 0.0005 + 1e-5


def test_a_frame_without_labels(tmp_path):
    folder = write_one(tmp_path)
    assert files(tmp_path) == {"dataset.json", "rgb/a.jpg"}
    assert folder.has("rgb", "a")
    assert not any(folder.has(kind, "a") for kind in ("depth", "semantic", "instance", "pose"))


def test_colour_is_exact_as_png_and_close_as_jpeg(tmp_path):
    ramp = np.linspace(0, 255, WIDTH).astype(np.uint8)
    rgb = np.stack([np.tile(ramp, (HEIGHT, 1)), np.full((HEIGHT, WIDTH), 90), np.tile(ramp[::-1], (HEIGHT, 1))], -1)
    rgb = rgb.astype(np.uint8)
    png = write_one(tmp_path / "png", rgb=rgb, jpeg_quality=None)
    np.testing.assert_array_equal(png.read_rgb("a"), rgb)
    assert png.path("rgb", "a").name == "a.png"
    jpeg = write_one(tmp_path / "jpeg", rgb=rgb)
    assert np.abs(jpeg.read_rgb("a").astype(int) - rgb).mean() < 6
    assert jpeg.path("rgb", "a").name == "a.jpg"


def test_the_writer_leaves_an_existing_set_alone(folder):
    before = files(folder.root)
    with pytest.raises(DatasetError, match="already holds a data set"):
        DatasetWriter(folder.root, info())
    assert files(folder.root) == before


def test_an_unfinished_set_does_not_open_and_can_be_gone_on_with(tmp_path):
    DatasetWriter(tmp_path, info()).write_frame("a", black())
    with pytest.raises(DatasetError, match="no data set folder"):
        DatasetFolder(tmp_path)
    writer = DatasetWriter(tmp_path, info())
    writer.write_frame("b", black())
    writer.finish()
    assert DatasetFolder(tmp_path).names() == ["a", "b"]


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        ({"rgb": black(WIDTH, HEIGHT)}, "rgb of a has shape"),
        ({"rgb": black()[..., 0]}, "rgb of a has shape"),
        ({"rgb": black().astype(float)}, "rgb of a is float64, not uint8"),
        ({"depth": np.ones((2, 2))}, "depth of a has shape"),
        ({"depth": np.ones((HEIGHT, WIDTH, 1))}, "depth of a has shape"),
        ({"semantic": np.ones((HEIGHT, WIDTH), np.uint16)}, "semantic of a is uint16, not uint8"),
        ({"instance": np.full((HEIGHT, WIDTH), 300, np.int32)}, "instance of a is int32, not uint8 or uint16"),
        ({"pose": np.eye(3)}, "pose of a"),
        ({"pose": np.full((4, 4), np.nan)}, "pose of a"),
    ],
)
def test_a_frame_that_could_not_be_read_back_is_not_written(tmp_path, frame, complaint):
    with pytest.raises(DatasetError, match=complaint):
        write_one(tmp_path, **{"depth": np.ones((HEIGHT, WIDTH)), **frame})
    assert files(tmp_path) == set()


def test_colour_is_written_last(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(os, "replace", lambda _, path: written.append(path.parent.name))
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    DatasetWriter(tmp_path, info()).write_frame(
        "a", black(), depth=np.ones((HEIGHT, WIDTH)), semantic=labels, instance=labels, pose=np.eye(4)
    )
    assert written[-1] == "rgb" and set(written) == {"rgb", "depth", "semantic", "instance", "pose"}
