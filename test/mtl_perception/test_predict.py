"""What `predict` leaves for pictures, folders and data sets, and how it refuses what is none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mtl_perception.backends.choice import Runtime
from mtl_perception.dataset_folder import DatasetError
from mtl_perception.network import Network
from mtl_perception.predict import predict


@pytest.fixture(scope="module")
def tiny(network) -> Network:
    return Network(network, Runtime(threads=1))


def write_picture(path: Path, rgb: np.ndarray | None = None) -> Path:
    rgb = np.full((48, 64, 3), (100, 200, 30), np.uint8) if rgb is None else rgb
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1])
    return path


def read(out: Path, name: str) -> dict[str, np.ndarray]:
    kinds = ("depth", "semantic", "confidence")
    return {kind: cv2.imread(str(out / f"{name}_{kind}.png"), cv2.IMREAD_UNCHANGED) for kind in kinds}


def test_a_picture_becomes_depth_in_millimetres_classes_confidence_and_a_preview(tmp_path, tiny):
    rgb = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    picture = write_picture(tmp_path / "kitchen.png", rgb)
    assert predict(picture, tiny, tmp_path / "out") == 1
    results = read(tmp_path / "out", "kitchen")
    metres = rgb[..., 0] / 20
    known = (metres >= 0.5) & (metres <= 10)  # the card's range
    assert results["depth"].dtype == np.uint16
    np.testing.assert_array_equal(results["depth"], np.where(known, np.rint(metres * 1000), 0))
    np.testing.assert_array_equal(results["semantic"], 1 + (rgb[..., 1] > 127))
    np.testing.assert_array_equal(results["confidence"], rgb[..., 2])
    preview = cv2.imread(str(tmp_path / "out" / "kitchen_preview.jpg"))
    assert preview.shape[1] == 3 * 64 and preview.shape[0] > 48
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_the_focal_length_scales_depth_and_its_range(tmp_path, tiny):
    picture = write_picture(tmp_path / "kitchen.png")
    predict(picture, tiny, tmp_path / "out", focal_length=150.0)
    assert (read(tmp_path / "out", "kitchen")["depth"] == 15000).all()


def test_depth_beyond_16_bits_is_unknown(tmp_path, tiny):
    picture = write_picture(tmp_path / "kitchen.png")
    predict(picture, tiny, tmp_path / "out", focal_length=1000.0)
    assert (read(tmp_path / "out", "kitchen")["depth"] == 0).all()


def test_a_folder_of_pictures_of_any_kind_and_size(tmp_path, tiny):
    source = tmp_path / "in"
    for name, size in (("a.png", (48, 64)), ("b.JPG", (30, 20)), ("c.jpeg", (100, 7)), ("d.bmp", (1, 1))):
        write_picture(source / name, np.full((*size, 3), (100, 200, 30), np.uint8))
    (source / "notes.txt").write_text("no picture")
    (source / "more.png").mkdir()
    assert predict(source, tiny, tmp_path / "out") == 4
    for name, size in (("a", (48, 64)), ("b", (30, 20)), ("c", (100, 7)), ("d", (1, 1))):
        depth = read(tmp_path / "out", name)["depth"]
        assert depth.shape == size and abs(int(depth[0, 0]) - 5000) < 200


def test_a_data_set_folder_brings_its_focal_length(tmp_path, tiny, folder):
    assert predict(folder.root, tiny, tmp_path / "out") == 4
    assert predict(folder.root, tiny, tmp_path / "canonical", focal_length=25.0) == 4  # 50 at the network's width
    for name in folder.names():
        red = folder.read_rgb(name)[..., 0]
        for out, focal_length in (("out", 30.0), ("canonical", 25.0)):
            depth = read(tmp_path / out, name)["depth"]
            assert depth.shape == red.shape
            within = (red / 20 < 8) & (red / 20 > 1)
            ratio = np.median(depth[within & (depth > 0)] / (red[within & (depth > 0)] * 50.0))
            assert ratio == pytest.approx(focal_length / 25, rel=0.1)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", cv2.imencode(".jpg", np.zeros((50, 50, 3), np.uint8))[1].tobytes()[:-30]]
)
def test_a_damaged_picture_is_named(tmp_path, tiny, content):
    write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.jpg").write_bytes(content)
    with pytest.raises(DatasetError, match=r"in/b\.jpg: "):
        predict(tmp_path / "in", tiny, tmp_path / "out")
    assert (tmp_path / "out" / "a_depth.png").exists() and not list((tmp_path / "out").glob("b_*"))


def test_pictures_whose_results_would_overwrite_each_other_are_refused(tmp_path, tiny):
    write_picture(tmp_path / "in" / "a.png")
    write_picture(tmp_path / "in" / "a.jpg")
    with pytest.raises(DatasetError, match="two pictures named a"):
        predict(tmp_path / "in", tiny, tmp_path / "out")


@pytest.mark.parametrize("out", ["in", "in/", "other/../in", "link"])
def test_results_are_not_left_among_the_pictures_of_a_folder(tmp_path, tiny, out):
    picture = write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to("in")
    with pytest.raises(DatasetError, match=r"the pictures are in .*choose another folder"):
        predict(tmp_path / "in", tiny, tmp_path / out)
    assert list((tmp_path / "in").iterdir()) == [picture]


def test_results_are_not_left_among_the_pictures_of_a_data_set(tmp_path, tiny, folder):
    before = sorted(folder.root.rglob("*"))
    with pytest.raises(DatasetError, match="the pictures are in"):
        predict(folder.root, tiny, folder.root / "rgb")
    assert sorted(folder.root.rglob("*")) == before


def test_a_folder_within_and_the_folder_of_a_single_picture_take_results(tmp_path, tiny):
    picture = write_picture(tmp_path / "in" / "a.png")
    for _ in range(2):
        assert predict(tmp_path / "in", tiny, tmp_path / "in" / "predictions") == 1
    assert predict(picture, tiny, tmp_path / "in") == 1


def test_nothing_to_predict(tmp_path, tiny):
    with pytest.raises(DatasetError, match="there is no picture or folder"):
        predict(tmp_path / "none.png", tiny, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no pictures"):
        predict(tmp_path / "empty", tiny, tmp_path / "out")
    assert not (tmp_path / "out").exists()
