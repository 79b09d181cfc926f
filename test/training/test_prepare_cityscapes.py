"""``prepare cityscapes``: packages of the official layout in, a data set folder out."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import cityscapes_miniature as miniature
import numpy as np
import pytest

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_writer import DatasetWriter
from training.__main__ import main
from training.prepare import cityscapes
from training.prepare.cityscapes_labels import CLASS_OF, CLASSES

AACHEN, WEIMAR, FRANKFURT = "aachen_000000_000019", "weimar_000010_000019", "frankfurt_000000_000294"


def prepare(source: Path, out: Path, height: int = 128) -> int:
    return main(["prepare", "cityscapes", str(source), str(out), "--height", str(height), "--skip-checksums"])


def digests(root: Path) -> dict[str, str]:
    files = (p for p in root.rglob("*") if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return miniature.write(tmp_path_factory.mktemp("official"))


@pytest.fixture(scope="module")
def small(source, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "cityscapes"
    assert prepare(source, out) == 0
    return out


@pytest.fixture
def spoilt(source, tmp_path) -> Path:
    """The official files, to spoil one of them."""
    return Path(shutil.copytree(source, tmp_path / "spoilt"))


def true_depth(name: str, disparity: np.ndarray) -> np.ndarray:
    """The authors' formula; infinite or negative where nothing was matched."""
    camera = miniature.camera(name)
    with np.errstate(divide="ignore"):
        return camera["baseline"] * camera["fx"] / ((disparity.astype(float) - 1) / 256)


def test_frames_at_full_size_are_what_the_official_files_say(source, tmp_path):
    shutil.copytree(source, tmp_path / "two", ignore=shutil.ignore_patterns("aachen_000001*", "weimar"))
    assert prepare(tmp_path / "two", tmp_path / "out", 1024) == 0
    folder = DatasetFolder(tmp_path / "out")
    assert folder.names() == [AACHEN, FRANKFURT]
    for name in folder.names():
        rgb, ids, disparity = miniature.images(name)
        np.testing.assert_array_equal(folder.read_rgb(name), rgb)

        semantic = folder.read_semantic(name)
        names = {7: "road", 8: "sidewalk", 11: "building", 17: "pole", 23: "sky", 26: "car", 31: "train", 33: "bicycle"}
        for i, what in names.items():
            assert {folder.info.classes[c] for c in np.unique(semantic[ids == i])} == {what}
        assert (semantic[np.isin(ids, (0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30))] == 0).all()

        # Of two cameras as frequent the shorter one stands for both: Frankfurt's depth is given for its focal length.
        seen = true_depth(name, disparity) * 2262.52 / miniature.camera(name)["fx"]
        known = (disparity > 1) & (seen < 65535.5 / 256)
        depth = folder.read_depth(name)
        np.testing.assert_allclose(depth[known], seen[known], atol=0.5 / 256, rtol=1e-6)
        assert (depth[~known] == 0).all() and {0, 1, 2} < set(np.unique(disparity[~known]))


def test_the_description(small):
    info = DatasetFolder(small).info
    assert (info.width, info.height, info.depth_per_metre) == (256, 128, 256)
    assert info.classes == CLASSES and len(CLASSES) == 19
    assert info.splits == {split: tuple(names) for split, names in miniature.FRAMES.items()}
    camera = info.intrinsics
    assert (camera.fx, camera.fy) == pytest.approx((2262.52 / 8, 2265.3018 / 8))
    # Pixel centres are whole numbers: the left edge of the image is at -0.5 in either size.
    assert ((camera.cx + 0.5) * 8, (camera.cy + 0.5) * 8) == pytest.approx((1096.98 + 0.5, 513.137 + 0.5))


def test_all_of_a_smaller_frame_stays_in_place(source, small):
    folder = DatasetFolder(small)
    assert folder.names() == sorted(name for names in miniature.FRAMES.values() for name in names)
    for name in folder.names():
        rgb, ids, disparity = miniature.images(name)
        np.testing.assert_array_equal(folder.read_rgb(name), rgb[::8, ::8])
        np.testing.assert_array_equal(folder.read_semantic(name), CLASS_OF[ids[::8, ::8]])
        seen = true_depth(name, disparity[::8, ::8]) * 2262.52 / miniature.camera(name)["fx"]
        depth = folder.read_depth(name)
        np.testing.assert_allclose(depth[depth > 0], seen[depth > 0], atol=0.5 / 256, rtol=1e-6)


def test_archives_give_the_same_as_folders(source, small, tmp_path):
    archives = miniature.pack(source, tmp_path / "archives")
    assert prepare(archives, tmp_path / "out") == 0
    assert digests(tmp_path / "out") == digests(small)


def test_the_papers_splits_are_drawn(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cityscapes, "DRAWN", {"train_2": ("train", 2)})
    assert prepare(source, tmp_path / "out", 64) == 0
    splits = DatasetFolder(tmp_path / "out").info.splits
    assert len(splits["train_2"]) == 2 and set(splits["train_2"]) < set(splits["train"])
    assert "train has 3 frames, not 2975; val has 1 frames, not 500\n" in capsys.readouterr().err


def test_interrupted_and_resumed_it_is_the_same_set(source, small, tmp_path, monkeypatch, capsys):
    out, real = tmp_path / "out", DatasetWriter.write_frame

    def interrupted(self, name, *args, **kwargs):
        if name == WEIMAR:
            raise KeyboardInterrupt
        real(self, name, *args, **kwargs)

    monkeypatch.setattr(DatasetWriter, "write_frame", interrupted)
    assert prepare(source, out) == 130
    monkeypatch.undo()
    kept = {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    assert kept and not (out / "dataset.json").exists()
    capsys.readouterr()
    assert prepare(source, out, 64) == 2
    assert "(width, height, intrinsics differ)" in capsys.readouterr().err
    assert prepare(source, out) == 0
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert digests(out) == digests(small)


# Of each id its trainId, whether it is ignored, and its name: as cityscapesscripts 2.3.0 (MIT) has them, which takes
# the package `typing` along, whose place is the standard library's by now; so it is not installed for this.
OFFICIAL = json.loads((Path(__file__).parent / "cityscapes_labels.json").read_text())


def test_our_classes_are_those_of_the_official_table():
    assert [i for i, *_ in OFFICIAL] == list(range(len(CLASS_OF)))
    for i, train_id, is_ignored, name in OFFICIAL:
        assert CLASS_OF[i] == (0 if is_ignored else train_id + 1), name
        assert is_ignored or CLASSES[CLASS_OF[i]] == name


def test_the_official_table_is_the_packages():
    labels = pytest.importorskip("cityscapesscripts.helpers.labels").labels
    assert [[x.id, x.trainId, x.ignoreInEval, x.name] for x in labels if x.id >= 0] == OFFICIAL


def refused(source: Path, tmp_path: Path, capsys, height: int = 64) -> str:
    """The one line of a command that must fail."""
    capsys.readouterr()
    assert prepare(source, tmp_path / "out", height) == 2
    assert not (tmp_path / "out" / "dataset.json").exists()
    (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    return error


@pytest.mark.parametrize("kind", ["gtFine", "disparity", "camera"])
def test_a_missing_file_is_named_before_anything_is_written(spoilt, tmp_path, capsys, kind):
    file = miniature.path(spoilt, kind, "train", WEIMAR)
    file.unlink()
    assert refused(spoilt, tmp_path, capsys) == f"error: {file} is missing"
    assert not (tmp_path / "out").exists()
    shutil.rmtree(spoilt / kind)
    error = refused(spoilt, tmp_path, capsys)
    assert f"{spoilt} has neither the folder {kind} nor {kind}_trainvaltest.zip" in error


@pytest.mark.parametrize("kind", ["leftImg8bit", "gtFine", "disparity"])
def test_a_damaged_or_odd_image_is_named(spoilt, tmp_path, capsys, kind):
    file = miniature.path(spoilt, kind, "train", AACHEN)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    error = refused(spoilt, tmp_path, capsys)
    assert str(file) in error and "damaged" in error
    miniature.write_image(file, np.zeros((512, 1024), np.uint16))
    assert refused(spoilt, tmp_path, capsys) == f"error: {file} is 1024x512, not 2048x1024"
    miniature.write_image(file, np.zeros((1024, 2048, 4), np.uint8))
    assert f"{file} has 4 channels of uint8, not" in refused(spoilt, tmp_path, capsys)


def test_a_label_that_there_is_not_is_named(spoilt, tmp_path, capsys):
    file = miniature.path(spoilt, "gtFine", "train", AACHEN)
    miniature.write_image(file, np.full((1024, 2048), 34, np.uint8))
    assert refused(spoilt, tmp_path, capsys) == f"error: {file} has id 34, the highest is 33"


def test_cameras_that_cannot_be(spoilt, tmp_path, capsys):
    file = miniature.path(spoilt, "camera", "train", WEIMAR)
    good = miniature.camera(WEIMAR)
    miniature.write_camera(file, good | {"fx": good["fx"] * 1.1})
    assert f"{WEIMAR} has focal length 2488.77, most frames 2262.52" in refused(spoilt, tmp_path, capsys)
    miniature.write_camera(file, good | {"baseline": 0.0})
    assert f"{file}: focal lengths and baseline must be positive" in refused(spoilt, tmp_path, capsys)
    for text in ("{", "[]", "{}", '{"intrinsic": {"fx": "wide"}}'):
        file.write_text(text)
        assert f"{file} is no Cityscapes camera" in refused(spoilt, tmp_path, capsys)


def test_a_damaged_archive_is_named(source, tmp_path, capsys):
    archives = miniature.pack(source, tmp_path / "archives")
    file = archives / "disparity_trainvaltest.zip"
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    file.write_bytes(whole)
    error = refused(archives, tmp_path, capsys)
    assert f"{file}:disparity/" in error and "damaged" in error
    file.write_bytes(whole[:1000])
    assert f"{file} is damaged or no archive" in refused(archives, tmp_path, capsys)
    official = archives / "gtFine_trainvaltest.zip"
    assert main(["prepare", "cityscapes", str(archives), str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err
    assert f"{archives / 'leftImg8bit_trainvaltest.zip'} is damaged or not the official file" in error
    assert official.exists() and not (tmp_path / "new").exists()


def test_no_frames_and_sizes_out_of_range(spoilt, tmp_path, capsys):
    assert "--height 2048 is out of range" in refused(spoilt, tmp_path, capsys, 2048)
    assert "--height 0 is out of range" in refused(spoilt, tmp_path, capsys, 0)
    shutil.rmtree(spoilt / "leftImg8bit" / "val")
    assert f"{spoilt / 'leftImg8bit'} has no frames in val" in refused(spoilt, tmp_path, capsys)
