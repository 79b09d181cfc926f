"""``prepare nyudv2``: files of the official formats in, a data set folder out."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import h5py
import numpy as np
import nyudv2_miniature as miniature
import pytest
from full_disk import fill_after

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_writer import DatasetWriter
from training.__main__ import main
from training.prepare import checksums, nyudv2
from training.rooms.classes import NYU40

LABELLED = "nyu_depth_v2_labeled.mat"
DATA = miniature.contents()


def prepare(source: Path, out: Path, *options: str) -> int:
    return main(["prepare", "nyudv2", str(source), str(out), "--skip-checksums", *options])


def digests(root: Path) -> dict[str, str]:
    files = (p for p in root.rglob("*") if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return miniature.write(tmp_path_factory.mktemp("official"), DATA)


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "nyudv2"
    assert prepare(source, out) == 0
    return out


@pytest.fixture
def copied(source, tmp_path) -> Path:
    """The official files, to spoil one of them."""
    return Path(shutil.copytree(source, tmp_path / "spoilt"))


def test_every_frame_is_what_the_official_files_say(whole):
    folder = DatasetFolder(whole)
    assert folder.names() == ["0001", "0002", "0003", "0004", "0005"]
    class_of = dict(enumerate(DATA.class_of, start=1)) | {0: 0}
    for i, name in enumerate(folder.names()):
        np.testing.assert_array_equal(folder.read_rgb(name), DATA.images[i])
        np.testing.assert_array_equal(folder.read_semantic(name), np.vectorize(class_of.get)(DATA.labels[i]))
        depth = folder.read_depth(name)
        np.testing.assert_allclose(depth, DATA.raw_depths[i], atol=0.5e-3 + 1e-6)
        np.testing.assert_array_equal(depth == 0, DATA.raw_depths[i] == 0)


def test_the_description(whole):
    info = DatasetFolder(whole).info
    assert (info.width, info.height, info.depth_per_metre) == (640, 480, 1000)
    assert info.classes == NYU40
    assert info.splits == {"train": ("0001", "0002", "0004", "0005"), "test": ("0003",)}
    camera = info.intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx((518.8579, 519.4696, 325.5824, 253.7362))


def test_inpainted_depth_has_no_holes(source, tmp_path):
    assert prepare(source, tmp_path / "out", "--depth", "inpainted") == 0
    folder = DatasetFolder(tmp_path / "out")
    for i, name in enumerate(folder.names()):
        np.testing.assert_allclose(folder.read_depth(name), DATA.depths[i], atol=0.5e-3 + 1e-6)


def test_the_papers_splits_are_drawn_and_what_is_missing_is_told(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(nyudv2, "DRAWN", {"train_3": ("train", 3), "val_395": ("test", 395)})
    assert prepare(source, tmp_path / "out") == 0
    splits = DatasetFolder(tmp_path / "out").info.splits
    assert len(splits["train_3"]) == 3 and set(splits["train_3"]) < set(splits["train"])
    assert "val_395" not in splits
    said = capsys.readouterr()
    assert "train has 4 frames, not 795" in said.err and "val_395 has 0 frames, not 395" in said.err
    assert said.out == f"{tmp_path / 'out'}: train 4, test 1, train_3 3\n"


def test_interrupted_in_the_middle_of_a_frame_and_resumed_it_is_the_same_set(
    source, whole, tmp_path, monkeypatch, capsys
):
    out, real = tmp_path / "out", DatasetWriter._write_png

    def interrupted(self, kind, name, image):
        if (kind, name) == ("rgb", "0003"):
            raise KeyboardInterrupt
        real(self, kind, name, image)

    monkeypatch.setattr(DatasetWriter, "_write_png", interrupted)
    assert prepare(source, out) == 130
    monkeypatch.undo()
    assert not (out / "dataset.json").exists()
    kept = {p: p.stat().st_mtime_ns for p in (out / "rgb").glob("*.png")}
    assert sorted(p.stem for p in kept) == ["0001", "0002"]

    capsys.readouterr()
    assert prepare(source, out, "--depth", "inpainted") == 2
    assert "was begun from other files or options (source differ)" in capsys.readouterr().err
    assert prepare(source, out) == 0
    assert {p: p.stat().st_mtime_ns for p in kept} == kept, "whole frames are not written again"
    assert digests(out) == digests(whole)


def test_a_full_disk_is_one_line_and_loses_nothing(source, whole, tmp_path, monkeypatch, capsys):
    fill_after(8, monkeypatch)
    assert prepare(source, tmp_path / "out") == 2
    assert "No space left on device" in capsys.readouterr().err
    monkeypatch.undo()
    assert not list((tmp_path / "out").rglob("*.part"))
    assert prepare(source, tmp_path / "out") == 0
    assert digests(tmp_path / "out") == digests(whole)


def test_checksums(source, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    assert main(["prepare", "nyudv2", str(source), str(out)]) == 2
    error = capsys.readouterr().err
    assert f"error: {source / LABELLED} is damaged or not the official file" in error
    assert "--skip-checksums" in error and not out.exists()
    ours = {name: hashlib.md5((source / name).read_bytes()).hexdigest() for name in (LABELLED, "splits.mat")}
    monkeypatch.setattr(checksums, "MD5", ours)
    assert main(["prepare", "nyudv2", str(source), str(out)]) == 0


def refused(source: Path, tmp_path: Path, capsys) -> str:
    """The one line of a command that must fail."""
    capsys.readouterr()
    assert prepare(source, tmp_path / "out") == 2
    assert not (tmp_path / "out" / "dataset.json").exists()
    (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    return error


@pytest.mark.parametrize("name", nyudv2.FILES)
def test_a_missing_or_damaged_file_is_named(copied, tmp_path, capsys, name):
    path = copied / name
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.truncate(size // 2)
    error = refused(copied, tmp_path, capsys)
    assert str(path) in error and "damaged" in error
    path.write_text("<html>not found</html>")
    assert f"{path} is damaged or no MATLAB" in refused(copied, tmp_path, capsys)
    path.unlink()
    assert f"{path} is missing" in refused(copied, tmp_path, capsys)


def test_a_frame_that_cannot_be_read_is_named(copied, tmp_path, capsys):
    with h5py.File(copied / LABELLED, "r") as file:
        chunk = file["labels"].id.get_chunk_info(3)
    with open(copied / LABELLED, "r+b") as file:
        file.seek(chunk.byte_offset + 512)  # HDF5 counts from behind MATLAB's block.
        file.write(bytes(chunk.size))
    assert "'labels' of frame 4 cannot be read" in refused(copied, tmp_path, capsys)


def change(path: Path, key: str, value: np.ndarray | None) -> None:
    """Put another array, or none, into an HDF5 file."""
    with h5py.File(path, "r+") as file:
        del file[key]
        if value is not None:
            file[key] = value


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("labels", None, "lacks 'labels'"),
        ("names", None, "lacks 'names'"),
        ("names", np.zeros((1, 894)), "'names' is no list of names"),
        ("rawDepths", np.zeros((5, 320, 240), np.float32), "'rawDepths' has shape (5, 320, 240), not 5 frames of 640"),
        ("depths", np.zeros((4, 640, 480), np.float32), "'depths' has shape (4, 640, 480), not 5 frames of 640"),
        ("labels", np.full((5, 640, 480), 895, np.uint16), "frame 1 has label 895, but only 894 are named"),
    ],
)
def test_labelled_frames_that_cannot_be(copied, tmp_path, capsys, key, value, said):
    change(copied / LABELLED, key, value)
    error = refused(copied, tmp_path, capsys)
    assert str(copied / LABELLED) in error and said in error


@pytest.mark.parametrize(("train", "test"), [([1, 2, 3], [3, 4, 5]), ([1, 2], [4, 5]), ([0, 1, 2], [3, 4])])
def test_splits_that_do_not_fit_the_frames(copied, tmp_path, capsys, train, test):
    miniature.write_splits(copied / "splits.mat", train, test)
    assert "splits.mat does not put each of the 5 frames into one" in refused(copied, tmp_path, capsys)


@pytest.mark.parametrize(
    ("names", "class_of", "said"),
    [
        (["book", "cup", *DATA.names[2:]], DATA.class_of, "it has label 2 as 'cup', the frames as 'bottle'"),
        (DATA.names[:-1], DATA.class_of[:-1], "it has 893 labels, the frames 894"),
        (DATA.names, [41, *DATA.class_of[1:]], "does not give each of the 894 labels a class of 1..40"),
    ],
)
def test_a_class_mapping_for_something_else(copied, tmp_path, capsys, names, class_of, said):
    miniature.write_mapping(copied / "classMapping40.mat", names, class_of)
    error = refused(copied, tmp_path, capsys)
    assert "classMapping40.mat" in error and said in error


def test_folders_that_will_not_do(source, whole, tmp_path, capsys):
    assert prepare(source, whole) == 2
    assert "already holds a data set" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("mine")
    assert prepare(source, tmp_path) == 2
    assert "not empty" in capsys.readouterr().err
    assert prepare(source, tmp_path / "notes.txt" / "x") == 2
    assert "error: cannot write" in capsys.readouterr().err
