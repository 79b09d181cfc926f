"""What is written comes back; what is damaged is named; nothing is written by half or outside the folder."""

from __future__ import annotations

import json
import os
import resource
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from noise_folder import HEIGHT, WIDTH

from mtl_perception.dataset_folder import (
    Box,
    DatasetError,
    DatasetFolder,
    DatasetInfo,
    DatasetWriter,
    Intrinsics,
    write_atomically,
)
from mtl_perception.dataset_folder import check_name as check

seeded = settings(derandomize=True, deadline=None, max_examples=25)
sides = st.tuples(st.integers(1, 9), st.integers(1, 9))
frame_names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")
climbing = ["../a", "a/b", "/etc/passwd", "..", ".hidden", "", "a\\b", "a\n", "a\0", "é", None, 3]


def info(height: int = HEIGHT, width: int = WIDTH, **fields) -> DatasetInfo:
    return DatasetInfo(width=width, height=height, licence="CC0-1.0", source="made up", **fields)


def black(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def files(root: Path) -> set[str]:
    """Every file below ``root``, hidden ones too."""
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def rewrite(folder: DatasetFolder, **changes) -> Path:
    """Change fields of the folder's dataset.json; None removes one."""
    path = folder.root / "dataset.json"
    data = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in data.items() if v is not None}))
    return path


@seeded
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


@seeded
@given(
    st.builds(
        info,
        intrinsics=st.none() | st.builds(Intrinsics, *[st.floats(1, 1e4)] * 4),
        depth_per_metre=st.floats(1, 1e5),
        classes=st.dictionaries(st.integers(1, 254), st.text(st.characters(codec="utf-8"))),
        splits=st.dictionaries(st.text(st.characters(codec="utf-8")), st.lists(frame_names).map(tuple)),
        sequences=st.dictionaries(st.text(st.characters(codec="utf-8")), st.lists(frame_names).map(tuple)),
        rate_hz=st.none() | st.floats(0.1, 1000),
    )
)
def test_dataset_json_comes_back(written):
    assert DatasetInfo.from_json(written.to_json()) == written


def test_unknown_keys_are_left_alone_and_missing_ones_have_their_defaults():
    read = DatasetInfo.from_json('{"width": 4, "height": 3, "licence": "MIT", "source": "here", "camera_maker": "x"}')
    assert read == DatasetInfo(width=4, height=3, licence="MIT", source="here")
    assert read.depth_per_metre == 1000


def test_the_camera_matrix():
    matrix = Intrinsics(30.0, 31.0, 15.5, 11.5).matrix()
    np.testing.assert_array_equal(matrix @ [2, 1, 1], [2 * 30 + 15.5, 31 + 11.5, 1])


@pytest.mark.parametrize("name", climbing)
def test_names_that_climb_out_are_refused_in_calls(folder, tmp_path, name):
    writer = DatasetWriter(tmp_path / "new", info())
    before = files(tmp_path)
    with pytest.raises(DatasetError, match="cannot name a frame"):
        writer.write_frame(name, black(), depth=np.ones((HEIGHT, WIDTH)))
    for call in (folder.read_rgb, folder.read_depth, folder.read_semantic, folder.read_pose, folder.boxes, check):
        with pytest.raises(DatasetError, match="cannot name a frame"):
            call(name)
    with pytest.raises(DatasetError, match="cannot name a frame"):
        folder.has("depth", name)
    assert files(tmp_path) == before


@pytest.mark.parametrize("key", ["splits", "sequences"])
@pytest.mark.parametrize("name", climbing)
def test_names_that_climb_out_are_refused_in_dataset_json(folder, key, name):
    path = rewrite(folder, **{key: {"train": ["a0", name]}})
    with pytest.raises(DatasetError, match="cannot name a frame") as error:
        DatasetFolder(folder.root)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not JSON"),
        (b'{"width": 4, ', "not JSON"),
        (b'{"width": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe\x00", "decode"),
        (b"[1, 2]", "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_a_dataset_json_that_is_none_is_named(folder, content, complaint):
    path = folder.root / "dataset.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=complaint) as error:
        DatasetFolder(folder.root)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        *(({key: None}, f"lacks '{key}'") for key in ("width", "height", "licence", "source")),
        ({"width": 0}, "positive"),
        ({"height": -3}, "positive"),
        ({"width": float("inf")}, "wrong type"),
        ({"width": "wide"}, "wrong type"),
        ({"width": [4]}, "wrong type"),
        ({"depth_per_metre": 0}, "positive"),
        ({"depth_per_metre": float("nan")}, "positive and finite"),
        ({"depth_per_metre": float("inf")}, "positive and finite"),
        ({"intrinsics": {"fx": 1, "fy": 1, "cx": 1}}, "wrong type.*cy"),
        ({"intrinsics": {"fx": 1, "fy": 1, "cx": 1, "cy": 1, "k1": 0}}, "wrong type.*k1"),
        ({"intrinsics": [1, 1, 1, 1]}, "wrong type"),
        ({"classes": {"0": "nothing"}}, r"1\.\.254"),
        ({"classes": {"255": "everything"}}, r"1\.\.254"),
        ({"classes": {"wall": 1}}, "wrong type"),
        ({"classes": ["wall"]}, "wrong type"),
        ({"splits": ["a0"]}, "wrong type"),
        ({"splits": {"train": "a0"}}, "lists of frame names"),
        ({"sequences": {"walk": 3}}, "wrong type"),
        ({"rate_hz": "fast"}, "wrong type"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(folder, changes, complaint):
    path = rewrite(folder, **changes)
    with pytest.raises(DatasetError, match=complaint) as error:
        DatasetFolder(folder.root)
    assert str(path) in str(error.value)


def test_a_folder_that_is_no_data_set_is_named(tmp_path):
    for root in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DatasetError, match="no data set folder") as error:
            DatasetFolder(root)
        assert str(root / "dataset.json") in str(error.value)


def test_splits_and_the_frames_there_are(folder):
    assert folder.names() == ["a0", "a1", "a2", "a3"]
    assert folder.names("val") == ["a3"]
    with pytest.raises(DatasetError, match=r"no split 'test'; it has: train, val$"):
        folder.names("test")
    rewrite(folder, splits=None)
    with pytest.raises(DatasetError, match=r"it has: none$"):
        DatasetFolder(folder.root).names("train")


def test_only_images_of_frames_are_frames(folder):
    for name in ("._a0.jpg", "notes.txt", ".a9.png.1.part"):
        (folder.root / "rgb" / name).write_bytes(b"x")
    (folder.root / "rgb/a0.png").write_bytes(b"x")
    assert folder.names() == ["a0", "a1", "a2", "a3"]


READERS = {
    "rgb": DatasetFolder.read_rgb,
    "depth": DatasetFolder.read_depth,
    "semantic": DatasetFolder.read_semantic,
    "instance": DatasetFolder.read_instance,
}


def put(folder: DatasetFolder, kind: str, image: np.ndarray) -> Path:
    """Make ``image`` the frame a0's file of ``kind``, whatever its size and type."""
    path = folder.path(kind, "a0")
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize("kind", READERS)
def test_a_missing_image_is_named(folder, kind):
    folder.path(kind, "a0").unlink(missing_ok=True)
    assert not folder.has(kind, "a0")
    with pytest.raises(DatasetError, match=f"frame a0 has no {kind}") as error:
        READERS[kind](folder, "a0")
    assert str(folder.root) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no image", None])
@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_image_is_named(folder, kind, content):
    path = put(folder, kind, np.zeros((HEIGHT, WIDTH), np.uint8))
    path.write_bytes(path.read_bytes()[:40] if content is None else content)
    with pytest.raises(DatasetError, match="damaged") as error:
        READERS[kind](folder, "a0")
    assert str(path) in str(error.value)


@pytest.mark.parametrize("kind", READERS)
def test_an_image_of_another_size_is_named(folder, kind):
    path = put(folder, kind, np.zeros((WIDTH, HEIGHT), np.uint16 if kind == "depth" else np.uint8))
    with pytest.raises(DatasetError, match=f"is {HEIGHT}x{WIDTH}, dataset.json says {WIDTH}x{HEIGHT}") as error:
        READERS[kind](folder, "a0")
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("kind", "image", "wanted"),
    [
        ("depth", np.zeros((HEIGHT, WIDTH), np.uint8), "uint16"),
        ("depth", np.zeros((HEIGHT, WIDTH, 3), np.uint16), "uint16"),
        ("semantic", np.zeros((HEIGHT, WIDTH), np.uint16), "uint8"),
        ("semantic", np.zeros((HEIGHT, WIDTH, 3), np.uint8), "uint8"),
        ("instance", np.zeros((HEIGHT, WIDTH, 3), np.uint8), "uint8 or uint16"),
    ],
)
def test_an_image_of_another_kind_is_named(folder, kind, image, wanted):
    path = put(folder, kind, image)
    with pytest.raises(DatasetError, match=f"not one channel of {wanted}$") as error:
        READERS[kind](folder, "a0")
    assert str(path) in str(error.value) and str(image.dtype) in str(error.value)


@pytest.mark.parametrize(
    "text", ["1 0 0 0\n0 1 0 0\n0 0 1 0\n", "1 0 0 0\n" * 3 + "0 0 0 nan\n", "1 0 0 x\n" * 4, "1 0\n1 0 0\n", None]
)
def test_a_pose_that_is_none_is_named(folder, text):
    path = folder.path("pose", "a0")
    if text is not None:
        path.parent.mkdir()
        path.write_text(text)
    with pytest.raises(DatasetError) as error:
        folder.read_pose("a0")
    assert str(path) in str(error.value)


def write_one(root: Path, **frame) -> DatasetFolder:
    writer = DatasetWriter(root, info())
    writer.write_frame("a", **{"rgb": black(), **frame})
    writer.finish()
    return DatasetFolder(root)


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


def test_boxes_enclose_the_objects(tmp_path):
    instance, semantic = np.zeros((HEIGHT, WIDTH), np.uint16), np.ones((HEIGHT, WIDTH), np.uint8)
    instance[2:5, 3:9] = 7
    semantic[2:5, 3:9] = 4
    semantic[2, 3:9] = 9  # fewer of its pixels
    instance[10, 10] = instance[20, 1] = 300  # in two pieces
    semantic[10, 10] = semantic[20, 1] = 5
    instance[HEIGHT - 1, WIDTH - 1] = 65535  # in the corner, unlabelled
    semantic[HEIGHT - 1, WIDTH - 1] = 0
    assert write_one(tmp_path, instance=instance, semantic=semantic).boxes("a") == [
        Box(7, 4, 3, 2, 9, 5),
        Box(300, 5, 1, 10, 11, 21),
        Box(65535, 0, WIDTH - 1, HEIGHT - 1, WIDTH, HEIGHT),
    ]


def test_a_view_of_nothing_has_no_boxes(tmp_path):
    nothing = np.zeros((HEIGHT, WIDTH), np.uint8)
    assert write_one(tmp_path, instance=nothing, semantic=nothing).boxes("a") == []


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


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_failed_write_leaves_what_was_there_and_no_part(tmp_path, monkeypatch, step, before):
    path = tmp_path / "rgb/a.png"
    if before is not None:
        write_atomically(path, before)

    def fail(*_):
        raise OSError("disk full")

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if step == "write":  # the kernel refuses the second half
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    else:
        monkeypatch.setattr(os, step, fail)
    try:
        with pytest.raises(OSError):
            write_atomically(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(tmp_path) == (set() if before is None else {"rgb/a.png"})
    assert before is None or path.read_bytes() == before


def test_the_name_appears_only_when_all_is_on_the_disk(tmp_path, monkeypatch):
    path, data, seen = tmp_path / "a.png", bytes(range(256)) * 500, []

    def fsync(_):
        seen.append([p.read_bytes() == data for p in tmp_path.iterdir()])
        assert not path.exists()

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(path, data)
    assert seen == [[True]]
    assert files(tmp_path) == {"a.png"} and path.read_bytes() == data
