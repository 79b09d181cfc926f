"""The rooms command: a sound data set folder, the same for the same seed, resumed after an interruption."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest

from mtl_perception.dataset_folder import DatasetFolder
from training.__main__ import main
from training.rooms import generate

SMALL = ["--frames", "7", "--size", "48x36", "--seed", "3"]


def digests(root: Path) -> dict[str, str]:
    files = (p for p in root.rglob("*") if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("rooms") / "set"
    assert (
        main(
            [
                "rooms",
                str(out),
                *SMALL,
                "--sequences",
                "1",
                "--frames-per-sequence",
                "4",
                "--val",
                "0.4",
                "--workers",
                "1",
            ]
        )
        == 0
    )
    return out


def test_the_folder_reads_back(whole):
    folder = DatasetFolder(whole)
    assert folder.info.licence == "CC0-1.0"
    assert folder.info.rate_hz == 10
    assert folder.info.intrinsics.fx == pytest.approx(48 * 207.5 / 320)
    names = folder.names()
    assert len(names) == 11
    assert sorted([*folder.names("train"), *folder.names("val")]) == names
    for name in names:
        assert folder.read_rgb(name).shape == (36, 48, 3)
        assert folder.read_depth(name).min() > 0.05
        assert set(np.unique(folder.read_semantic(name))) <= set(folder.info.classes)
        rotation = folder.read_pose(name)[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-7)
        instance, semantic = folder.read_instance(name), folder.read_semantic(name)
        boxes = folder.boxes(name)
        assert len(boxes) == len(np.unique(instance[instance > 0]))
        for box in boxes:
            assert set(semantic[instance == box.instance]) == {box.class_id}


def test_no_room_is_in_both_splits(whole):
    info = DatasetFolder(whole).info
    train, val = ({name.rsplit("_", 1)[0] for name in info.splits[s]} for s in ("train", "val"))
    assert train and val and not train & val


def test_no_two_rooms_are_in_one_place(whole):
    """So that the poses of a data set are of one world."""
    folder = DatasetFolder(whole)
    places: dict[str, list[np.ndarray]] = {}
    for name in folder.names():
        places.setdefault(name.rsplit("_", 1)[0], []).append(folder.read_pose(name)[:3, 3])
    spans = sorted((np.min(there, 0)[0], np.max(there, 0)[0]) for there in places.values())
    assert len(spans) > 1 and all(after[0] - before[1] > 50 for before, after in itertools.pairwise(spans))


def test_a_walk_is_one_sequence_of_one_split(whole):
    info = DatasetFolder(whole).info
    (names,) = info.sequences.values()
    assert len(names) == 4
    assert sum(set(names) <= set(split) for split in info.splits.values()) == 1


def test_interrupted_and_resumed_with_more_workers_it_is_the_same_set(whole, tmp_path, monkeypatch):
    out = tmp_path / "set"
    arguments = ["rooms", str(out), *SMALL, "--sequences", "1", "--frames-per-sequence", "4", "--val", "0.4"]
    real, calls = generate.render_frames, []

    def interrupted(*args):
        if calls:
            raise KeyboardInterrupt
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(generate, "render_frames", interrupted)
    assert main([*arguments, "--workers", "1"]) == 130
    assert not (out / "dataset.json").exists()
    kept = {p: p.stat().st_mtime_ns for p in out.rglob("*.jpg")}
    assert 0 < len(kept) < 11
    monkeypatch.undo()

    assert main(["rooms", str(out), *SMALL, "--workers", "2"]) == 2, "other settings may not mix in"
    assert main([*arguments, "--workers", "2"]) == 0
    assert {p: p.stat().st_mtime_ns for p in kept} == kept, "whole frames are not rendered again"
    assert digests(out) == digests(whole)


def test_another_seed_is_another_set():
    def kinds_and_names(seed):
        s = generate.Settings(10, 0, 1, 10.0, 48, 36, 31.0, 0.2, seed)
        _, scene, _, poses = generate.build(s, generate.rooms(s)[0])
        return scene.face_corner.shape, poses[0].tolist()

    assert kinds_and_names(0) != kinds_and_names(1)
    assert kinds_and_names(0) == kinds_and_names(0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "big"], "--size"),
        (["--size", "0x240"], "--size"),
        (["--frames", "-1"], "--frames"),
        (["--frames", "0"], "nothing to render"),
        (["--focal", "nan"], "--focal"),
        (["--val", "1.5"], "--val"),
        (["--workers", "0"], "--workers"),
        (["--rate", "0"], "--rate"),
    ],
)
def test_a_bad_argument_is_one_clear_line(tmp_path, capsys, arguments, said):
    assert main(["rooms", str(tmp_path / "new"), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_folders_that_will_not_do(whole, tmp_path, capsys):
    assert main(["rooms", str(whole), *SMALL]) == 2
    assert "already holds a data set" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["rooms", str(tmp_path), *SMALL]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main(["rooms", str(tmp_path / "notes.txt" / "x"), *SMALL]) == 2
    assert "cannot write" in capsys.readouterr().err
