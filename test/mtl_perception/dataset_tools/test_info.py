"""What a folder holds is counted and shown; damage does not stop the counting."""

from __future__ import annotations

import fcntl
import json

import cv2
import numpy as np
import pytest
from logged_folder import OTHER_RUN, RUN, entry, header, write_index, write_logged
from noise_folder import HEIGHT, WIDTH, write_dataset

from mtl_perception.cli import main
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_tools.summary import summarise


def put(folder: DatasetFolder, kind: str, name: str, image: np.ndarray) -> None:
    folder.path(kind, name).parent.mkdir(exist_ok=True)
    cv2.imwrite(str(folder.path(kind, name)), image)


@pytest.fixture
def labelled(folder) -> DatasetFolder:
    """Of the frames ``a0`` to ``a3`` two have labels: half wall, a quarter floor; and all wall."""
    labels = np.ones((HEIGHT, WIDTH), np.uint8)
    put(folder, "semantic", "a3", labels)
    labels[:, : WIDTH // 2] = 2
    labels[:, : WIDTH // 4] = 0
    put(folder, "semantic", "a0", labels)
    depth = np.full((HEIGHT, WIDTH), 1000, np.uint16)
    depth[: HEIGHT // 4] = 0
    for name in ("a0", "a1"):
        put(folder, "depth", name, depth)
    depth[: HEIGHT // 2] = 0
    put(folder, "depth", "a2", depth)
    return folder


def test_everything_is_counted(labelled):
    summary = summarise(labelled)
    assert summary.frames == 4
    assert summary.kinds == {"rgb": 4, "depth": 3, "semantic": 2, "instance": 0, "pose": 0}
    assert summary.splits == {"train": (3, 3), "val": (1, 1)} and summary.sequences == {"walk": (2, 2)}
    assert summary.valid_depth.tolist() == [0.5, 0.75, 0.75]
    assert summary.class_shares == pytest.approx({1: 1.5 / 1.75, 2: 0.25 / 1.75})
    assert summary.class_frames == {1: 2, 2: 1} and summary.labelled == pytest.approx(1.75 / 2)
    assert summary.bytes["rgb"] == sum(p.stat().st_size for p in (labelled.root / "rgb").iterdir())
    assert summary.bytes[""] == (labelled.root / "dataset.json").stat().st_size
    assert summary.runs == () and summary.unreadable == ()


def test_it_is_told_in_words(labelled, capsys):
    assert main(["dataset", "info", str(labelled.root)]) == 0
    text = capsys.readouterr().out
    for fact in (
        "set: 4 frames of 32x24",
        "licence    CC0-1.0",
        "fx 30, fy 31, cx 15.5, cy 11.5 px",
        "4 with rgb, 3 with depth, 2 with semantic\n",
        "splits     train 3, val 1",
        "sequences  walk 2",
        "20 Hz",
        "known at 66.7% of pixels; median frame 75.0%, worst 50.0%; 1000 units a metre",
        "labels     87.5% of the pixels of 2 frames",
        "1 wall   85.71% of them, in 2 frames",
        "2 floor  14.29% of them, in 1 frames",
    ):
        assert fact in text, text


def test_runs_are_told_with_their_times_and_reasons(tmp_path, capsys):
    folder = write_logged(tmp_path / "log", (RUN, OTHER_RUN), classes={})
    names = folder.names()[:4]
    lines = [{**entry(name, i), "reason": "view" if i == 1 else "time"} for i, name in enumerate(names)]
    write_index(folder.root, RUN, [header(RUN), *lines, {"dropped": f"{RUN}-000007"}])
    with open(folder.root / "index" / f"{OTHER_RUN}.jsonl", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(["dataset", "info", str(folder.root)]) == 0
    text = capsys.readouterr().out
    assert "time       2026-02-02 02:40:00 UTC to 2026-02-02 02:40:00 UTC, 2 runs" in text
    assert f"{RUN}: 4 frames in 0 s, 1 dropped, 3 for time, 1 for view\n" in text
    assert f"{OTHER_RUN}: 4 frames in 0 s, 4 for time, being written" in text


def test_damage_and_what_is_not_there_is_told(labelled, capsys):
    labelled.path("depth", "a0").write_bytes(b"torn")
    labelled.path("semantic", "a3").write_bytes(b"torn")
    labelled.path("rgb", "a1").unlink()
    path = labelled.root / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "intrinsics": None}))
    assert main(["dataset", "info", str(labelled.root)]) == 0
    text = capsys.readouterr().out
    assert "2 frames have damaged files, such as a0: see `check`" in text
    assert "train 3 (1 of them not there), val 1" in text and "camera     unknown" in text


def test_an_empty_set_has_nothing_to_count(tmp_path, capsys):
    folder = write_logged(tmp_path / "log", frames=0)
    assert main(["dataset", "info", str(folder.root)]) == 0
    assert "log: 0 frames of 32x24" in capsys.readouterr().out
    assert main(["dataset", "info", str(folder.root), "--sheet", str(tmp_path / "a.png")]) == 2
    assert "has no frames to show" in capsys.readouterr().err


@pytest.mark.parametrize("stamp", [-5, 0, 10**30])
def test_stamps_that_are_no_time_of_the_calendar_do_no_harm(tmp_path, capsys, stamp):
    folder = write_logged(tmp_path / "log", frames=1)
    write_index(folder.root, RUN, [header(RUN), {**entry(folder.names()[0], 0), "stamp": stamp}])
    assert main(["dataset", "info", str(folder.root)]) == 0
    assert "1 frames in 0 s" in capsys.readouterr().out


def test_no_folder_is_said(tmp_path, capsys):
    assert main(["dataset", "info", str(tmp_path)]) == 2
    assert "is no data set folder" in capsys.readouterr().err


# The contact sheet


def sheet(folder: DatasetFolder, path, capsys) -> np.ndarray:
    assert main(["dataset", "info", str(folder.root), "--sheet", str(path)]) == 0
    assert f"frames on {path}" in capsys.readouterr().out
    return cv2.imread(str(path))


def test_a_sheet_shows_colour_depth_and_labels(labelled, tmp_path, capsys):
    for name in labelled.names():
        put(labelled, "rgb", name, np.full((HEIGHT, WIDTH, 3), (10, 200, 30), np.uint8))
    image = sheet(labelled, tmp_path / "new" / "a.png", capsys)
    height, width = 180 + 22, 3 * 240  # a picture and its caption; three of them
    first = image[22:][22:height, :width]
    assert np.abs(first[90, 120].astype(int) - (10, 200, 30)).max() < 8
    assert not first[10, 240:480].any() and first[170, 240:480].any()  # the upper quarter of depth is not known
    colors = [tuple(first[90, 480 + x]) for x in (30, 90, 180)]  # unlabelled, floor, wall
    assert len(set(colors)) == 3 and colors[0] == tuple(first[90, 120])
    third = image[22 + height :][22:height, :width]  # a2: no labels, a1's neighbour
    assert (third[90, 480:] == 90).all()


def test_a_sheet_has_no_empty_columns_and_outlives_damage(tmp_path, capsys):
    folder = write_dataset(tmp_path / "set")
    for name in folder.names():
        folder.path("depth", name).unlink(missing_ok=True)
    folder.path("rgb", "a1").write_bytes(b"torn")
    image = sheet(folder, tmp_path / "a.png", capsys)
    assert image.shape[1] == 2 * 240
    assert (image[22 + 22 : 22 + 202, 240:] == 90).all()


def test_a_few_labels_are_shown_among_many_frames(tmp_path, capsys):
    folder = write_logged(tmp_path / "log", frames=60)
    put(folder, "semantic", folder.names()[7], np.full((HEIGHT, WIDTH), 1, np.uint8))
    image = sheet(folder, tmp_path / "a.png", capsys)
    assert image.shape[1] == 2 * 3 * 240  # with a column of labels
    assert image.shape[0] > 22 + 6 * 202


@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_a_sheet_is_a_picture(labelled, tmp_path, capsys, name):
    assert main(["dataset", "info", str(labelled.root), "--sheet", str(tmp_path / name)]) == 2
    assert f"named .png or .jpg, not {name}" in capsys.readouterr().err


def test_a_sheet_takes_no_frames_place(labelled, capsys):
    taken = next((labelled.root / "rgb").iterdir()).with_suffix(".png")
    before = {path: path.read_bytes() for path in labelled.root.rglob("*") if path.is_file()}
    assert main(["dataset", "info", str(labelled.root), "--sheet", str(taken)]) == 2
    assert "is among the data set's own files" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in labelled.root.rglob("*") if path.is_file()} == before
    assert main(["dataset", "info", str(labelled.root), "--sheet", str(labelled.root / "sheet.png")]) == 0
