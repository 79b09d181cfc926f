"""Labels on disk find their images, by stamp, by number or in order; those that cannot are refused with what to do."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from ball_folder import write_folder
from logged_folder import write_logged

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.dataset_index import read_index
from mtl_perception.evaluation.true_classes import LabelError, LabelFolder, check_classes, class_ids_of
from mtl_perception.messages.arrays import MessageError

IDS = np.random.default_rng(0).integers(0, 4, (6, 8), dtype=np.uint8)
STAMP = 1_700_000_000_123_456_789


def masks(root, *names: str):
    root.mkdir()
    for i, name in enumerate(names):
        cv2.imwrite(str(root / f"{name}.png"), IDS + i)
    return root


def test_masks_named_by_number(tmp_path):
    labels = LabelFolder(str(masks(tmp_path / "m", "0", "0002")), 3)
    np.testing.assert_array_equal(labels.read(0, 5), IDS)
    np.testing.assert_array_equal(labels.read(2, 5), IDS + 1)
    assert labels.read(1, 5) is None
    assert labels.name == "m" and labels.classes == {}


@pytest.mark.parametrize("name", [str(STAMP), "1700000000.123456789", "1700000000.1235"])
def test_masks_named_by_stamp(tmp_path, name):
    labels = LabelFolder(str(masks(tmp_path / "m", name, "1800000000.5")), 3)
    np.testing.assert_array_equal(labels.read(9, STAMP), IDS)
    assert labels.read(0, STAMP + 2_000_000) is None


def test_frames_of_a_data_set_go_in_order_where_nothing_tells_their_times(tmp_path):
    folder = write_folder(tmp_path / "set", 8, sequences={"walk": ["f02", "f00"]})
    labels = LabelFolder(str(folder.root), 8)
    np.testing.assert_array_equal(labels.read(4, 0), folder.read_semantic("f04"))
    assert labels.read(3, 0) is None  # has no labels
    assert labels.classes == {1: "wall", 2: "floor", 3: "ball"}
    part = LabelFolder(f"{folder.root}:walk", 2)
    np.testing.assert_array_equal(part.read(0, 0), folder.read_semantic("f02"))
    assert part.name == "set:walk"
    np.testing.assert_array_equal(LabelFolder(f"{folder.root}:val", 4).read(0, 0), folder.read_semantic("f04"))


def test_frames_that_the_logger_stamped_go_by_their_stamps(tmp_path):
    root = tmp_path / "log"
    folder = write_logged(root, frames=3)
    stamps = {name: frame["stamp"] for index in read_index(root) for name, frame in index.frames.items()}
    (root / "semantic").mkdir(exist_ok=True)
    for i, name in enumerate(stamps):
        size = (folder.info.height, folder.info.width)
        cv2.imwrite(str(folder.path("semantic", name)), np.full(size, 1 + i, np.uint8))
    labels = LabelFolder(str(root), 100)
    assert [labels.read(99, stamp)[0, 0] for stamp in stamps.values()] == [1, 2, 3]
    assert labels.read(0, 5) is None


def test_a_bag_that_breaks_off_may_have_fewer_images_than_the_folder(tmp_path):
    folder = write_folder(tmp_path / "set", 8)
    with pytest.raises(LabelError, match=r"has 8 frames, the recording 5 images.*name the split or sequence.*set:NAME"):
        LabelFolder(str(folder.root), 5)
    LabelFolder(str(folder.root), 5, breaks_off=True)
    with pytest.raises(LabelError, match="has 8 frames, the recording 9 images"):
        LabelFolder(str(folder.root), 9, breaks_off=True)


def test_folders_that_will_not_do_are_refused_by_name(tmp_path):
    (tmp_path / "empty").mkdir()
    folder = write_folder(tmp_path / "set", 8)
    with pytest.raises(DatasetError, match="has no split 'nope'; it has: train, val"):
        LabelFolder(f"{folder.root}:nope", 8)
    shutil.rmtree(folder.root / "semantic")
    for text, complaint in {
        str(tmp_path / "none"): "there is no folder of labels .*none",
        str(tmp_path / "empty"): "has no dataset.json and no masks",
        f"{tmp_path / 'empty'}:val": "has no dataset.json, so no split or sequence 'val'",
        str(folder.root): "no frame of .*set has labels",
        str(masks(tmp_path / "odd", "frame-7")): "frame-7.png in .*odd is named by no stamp",
        str(masks(tmp_path / "both", "7", str(STAMP))): "some named by|named by stamps and others named by numbers",
    }.items():
        with pytest.raises(LabelError, match=complaint):
            LabelFolder(text, 8)


def test_damaged_masks_are_named(tmp_path):
    root = masks(tmp_path / "m", "0", "1", "2", "3")
    (root / "0.png").write_bytes(b"no picture")
    cv2.imwrite(str(root / "1.png"), np.zeros((4, 4, 3), np.uint8))
    cv2.imwrite(str(root / "2.png"), np.zeros((4, 4), np.uint16))
    (root / "3.png").write_bytes(cv2.imencode(".jpg", IDS)[1].tobytes())
    labels = LabelFolder(str(root), 4)
    for i, complaint in enumerate(["0.png: .*unknown kind", "one channel of 8 bits, not uint8", "uint16", "JPEG"]):
        with pytest.raises(MessageError, match=complaint):
            labels.read(i, 0)


def test_labels_in_messages():
    image = SimpleNamespace(height=6, width=8, step=8, is_bigendian=0, encoding="8UC1", data=IDS.tobytes())
    np.testing.assert_array_equal(class_ids_of(image), IDS)
    assert image.encoding == "8UC1"
    compressed = SimpleNamespace(format="mono8; png compressed", data=cv2.imencode(".png", IDS)[1])
    np.testing.assert_array_equal(class_ids_of(compressed), IDS)
    image.encoding = "rgb8"
    with pytest.raises(MessageError, match="mono8 or 8UC1, not 'rgb8'"):
        class_ids_of(image)
    with pytest.raises(MessageError, match="JPEG are not exact"):
        class_ids_of(SimpleNamespace(format="jpeg", data=cv2.imencode(".jpg", IDS)[1]))


def test_classes_must_mean_the_same_where_both_name_them():
    check_classes({1: "wall", 9: "oven"}, {1: "wall", 2: "floor"}, "tiny")
    with pytest.raises(LabelError, match="class 2 is 'sofa' in the labels and 'floor' to tiny"):
        check_classes({1: "wall", 2: "sofa"}, {1: "wall", 2: "floor"}, "tiny")
