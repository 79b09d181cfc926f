"""A folder's frames are read as the layout says; what is damaged, missing or foreign is named."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noise_folder import HEIGHT, WIDTH
from one_frame_folder import IMPOSSIBLE_NAMES, info, write_one

from mtl_perception.dataset_folder import Box, DatasetError, DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_folder import check_name as check

frame_names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")


def rewrite(folder: DatasetFolder, **changes) -> Path:
    """Change fields of the folder's dataset.json; None removes one."""
    path = folder.root / "dataset.json"
    data = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in data.items() if v is not None}))
    return path


def camera(**changes) -> dict:
    """The field ``intrinsics`` with some of its numbers changed."""
    return {"intrinsics": {"fx": 30.0, "fy": 31.0, "cx": 15.5, "cy": 11.5, **changes}}


@settings(max_examples=25)
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


@pytest.mark.parametrize("unknown", [None, {}])
def test_an_unknown_camera_is_no_camera(unknown):
    read = {"width": 4, "height": 3, "licence": "MIT", "source": "here", "intrinsics": unknown}
    assert DatasetInfo.from_json(json.dumps(read)).intrinsics is None


def test_the_camera_matrix():
    matrix = Intrinsics(30.0, 31.0, 15.5, 11.5).matrix()
    np.testing.assert_array_equal(matrix @ [2, 1, 1], [2 * 30 + 15.5, 31 + 11.5, 1])


@pytest.mark.parametrize("name", IMPOSSIBLE_NAMES)
def test_names_that_climb_out_are_refused_in_calls(folder, name):
    for call in (folder.read_rgb, folder.read_depth, folder.read_semantic, folder.read_pose, folder.boxes, check):
        with pytest.raises(DatasetError, match="cannot name a frame"):
            call(name)
    with pytest.raises(DatasetError, match="cannot name a frame"):
        folder.has("depth", name)


@pytest.mark.parametrize("key", ["splits", "sequences"])
@pytest.mark.parametrize("name", IMPOSSIBLE_NAMES)
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
        *((camera(**{key: value}), f"{key} {value}.*null$") for key in ("fx", "fy") for value in (0, -500)),
        (camera(fx=0.0, fy=0.0), "fx 0, fy 0"),
        *((camera(**{key: float("nan")}), f"{key} nan, not a finite number") for key in ("fx", "fy", "cx", "cy")),
        *((camera(cy=value), "cy .*not a finite number") for value in (float("inf"), "11.5", True)),
        (camera(cx=None), "wrong type"),
        (camera(fx=10**400), "wrong type"),
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


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"", "0 bytes"), (b"no image", "damaged"), (None, "damaged|cut off")]
)
@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_image_is_named(folder, kind, content, complaint):
    path = put(folder, kind, np.zeros((HEIGHT, WIDTH), np.uint8))
    path.write_bytes(path.read_bytes()[:40] if content is None else content)
    with pytest.raises(DatasetError, match=complaint) as error:
        READERS[kind](folder, "a0")
    assert str(path) in str(error.value)


def test_an_image_that_cannot_be_opened_is_named(folder):
    path = folder.path("depth", "a3")  # has none yet
    path.mkdir()
    with pytest.raises(DatasetError, match=f"cannot read {path}: "):
        folder.read_depth("a3")


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_cut_off_jpeg_is_not_taken_for_a_whole_one(folder, kept):
    path = folder.path("rgb", "a0")
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(DatasetError, match="cut off") as error:
        folder.read_rgb("a0")
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
