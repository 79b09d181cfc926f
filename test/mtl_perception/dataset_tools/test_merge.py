"""Folders become one in which every frame is what it was; what contradicts itself is refused and leaves nothing."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logged_folder import OTHER_RUN, RUN, entry, header, write_index, write_logged
from noise_folder import HEIGHT, WIDTH, write_dataset

from mtl_perception.cli import main
from mtl_perception.dataset_folder import DatasetFolder, Intrinsics
from mtl_perception.dataset_index import read_index
from mtl_perception.dataset_tools import merge as merging
from mtl_perception.dataset_tools.survey import survey


def merge(*folders: DatasetFolder | Path) -> int:
    *sources, out = (f.root if isinstance(f, DatasetFolder) else f for f in folders)
    return main(["dataset", "merge", *map(str, sources), "--out", str(out)])


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def frames(folder: DatasetFolder, prefix: str = "") -> dict[str, bytes]:
    """Content of the files of every frame."""
    found = files(folder.root)
    kinds = ("rgb/", "depth/", "semantic/", "instance/", "pose/")
    return {path.replace("/", f"/{prefix}"): data for path, data in found.items() if path.startswith(kinds)}


def test_robots_and_rooms_become_one_set(tmp_path, capsys):
    rooms = write_dataset(tmp_path / "rooms")
    (rooms.root / "semantic").mkdir()
    cv2.imwrite(str(rooms.path("semantic", "a1")), np.ones((HEIGHT, WIDTH), np.uint8))
    first = write_logged(tmp_path / "first", (RUN,), classes={})
    second = write_logged(tmp_path / "second", (OTHER_RUN,), classes={2: "floor", 3: "door"})
    before = [files(folder.root) for folder in (rooms, first, second)]
    assert merge(rooms, first, second, tmp_path / "all") == 0
    assert [files(folder.root) for folder in (rooms, first, second)] == before
    folder = DatasetFolder(tmp_path / "all")
    assert frames(folder) == {**frames(rooms), **frames(first), **frames(second)}
    assert read_index(folder.root) == [*read_index(first.root), *read_index(second.root)]
    info = folder.info
    assert info.classes == {1: "wall", 2: "floor", 3: "door"}
    assert (info.licence, info.source) == ("CC0-1.0; proprietary", "made up; logged by rover")
    assert (info.splits, info.sequences, info.rate_hz) == (rooms.info.splits, rooms.info.sequences, 20.0)
    assert (info.intrinsics, info.depth_per_metre) == (rooms.info.intrinsics, 1000)
    assert survey(folder.root).findings == []
    assert {p.name for p in folder.root.iterdir()} == {"dataset.json", "rgb", "depth", "semantic", "index"}
    assert "12 frames of 3 folders" in capsys.readouterr().out


def test_names_that_are_taken_are_told_apart(tmp_path):
    one = write_dataset(tmp_path / "a" / "rooms 1")
    two = write_dataset(tmp_path / "b" / "rooms 1", splits={"train": ["a0"], "test": ["a2"]}, rate_hz=5.0)
    assert merge(one, two, tmp_path / "all") == 0
    folder = DatasetFolder(tmp_path / "all")
    assert frames(folder) == {**frames(one), **frames(two, "rooms-1-2-")}
    assert folder.info.splits == {
        "train": ("a0", "a1", "a2", "rooms-1-2-a0"),
        "val": ("a3",),
        "test": ("rooms-1-2-a2",),
    }
    assert folder.info.sequences == {"walk": ("a1", "a2"), "rooms-1-2-walk": ("rooms-1-2-a1", "rooms-1-2-a2")}
    assert folder.info.rate_hz is None
    assert survey(folder.root).findings == []


def test_a_run_that_is_in_two_folders_is_told_apart_and_stays_a_run(tmp_path):
    one = write_logged(tmp_path / "one", (RUN,))
    two = write_logged(tmp_path / "two", (RUN, OTHER_RUN))
    assert merge(one, two, tmp_path / "all") == 0
    folder = DatasetFolder(tmp_path / "all")
    runs = {run.run: run for run in read_index(folder.root)}
    assert runs.keys() == {RUN, f"two-{RUN}", f"two-{OTHER_RUN}"}
    renamed = runs[f"two-{RUN}"]
    assert renamed.header == {**header(RUN), "run": f"two-{RUN}"} and not renamed.problems
    expected = [{**entry(f"{RUN}-{i:06d}", i), "name": f"two-{RUN}-{i:06d}"} for i in range(4)]
    assert list(renamed.frames.values()) == expected
    assert survey(folder.root).findings == []


def test_dropped_frames_and_what_is_set_aside_stay_behind(tmp_path):
    one = write_logged(tmp_path / "one", (RUN,))
    names = one.names()
    lines = [entry(name, i) for i, name in enumerate(names)]
    write_index(one.root, RUN, [header(RUN), *lines, {"dropped": names[1]}])
    for path in ("quarantine/rgb/x.jpg", "replaced/semantic/x.png", "pseudo_semantic/x.png"):
        (one.root / path).parent.mkdir(parents=True)
        (one.root / path).write_bytes(b"x")
    assert merge(one, tmp_path / "all") == 0
    folder = DatasetFolder(tmp_path / "all")
    assert folder.names() == [names[0], *names[2:]]
    assert {p.name for p in folder.root.iterdir()} == {"dataset.json", "rgb", "depth", "index"}
    assert survey(folder.root).findings == []


@pytest.mark.parametrize("links", [True, False])
def test_files_are_links_where_the_disk_allows(tmp_path, folder, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links")))
    assert merge(folder, tmp_path / "all") == 0
    assert (tmp_path / "all" / "rgb" / "a0.jpg").samefile(folder.path("rgb", "a0")) is links
    assert frames(DatasetFolder(tmp_path / "all")) == frames(folder)


@pytest.mark.parametrize("links", [True, False])
def test_an_interrupted_merge_goes_on(tmp_path, folder, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links")))
    out, placed = tmp_path / "all", []
    place = merging._place

    def counted(source, target):
        if len(placed) == 3:
            raise KeyboardInterrupt
        placed.append(target.name)
        place(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(merging, "_place", counted)
        assert merge(folder, out) == 130
    assert not (out / "dataset.json").exists()
    (out / "rgb").mkdir(exist_ok=True)
    (out / "rgb" / ".a3.jpg.1.part").write_bytes(b"half")
    inode = (out / "depth" / "a0.png").stat().st_ino
    assert merge(folder, out) == 0
    assert (out / "depth" / "a0.png").stat().st_ino == inode
    assert frames(DatasetFolder(out)) == frames(folder) and survey(out).findings == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6)
@given(st.lists(st.sampled_from([(RUN,), (OTHER_RUN,), (RUN, OTHER_RUN)]), min_size=1, max_size=3))
def test_no_frame_is_lost_whatever_is_merged(tmp_path_factory, runs):
    root = tmp_path_factory.mktemp("sets")
    folders = [write_logged(root / f"set{i}", each, frames=2) for i, each in enumerate(runs)]
    assert merge(*folders, root / "all") == 0
    merged = DatasetFolder(root / "all")
    assert sorted(frames(merged).values()) == sorted(d for folder in folders for d in frames(folder).values())
    assert {name for run in read_index(merged.root) for name in run.frames} == set(merged.names())
    assert survey(merged.root).findings == []


# What is refused


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"width": 31}, "width is 32 in the one and 31 in the other"),
        ({"height": 25}, "height is 24 in the one and 25 in the other"),
        ({"depth_per_metre": 5000}, "depth_per_metre is 1000.0 in the one and 5000.0 in the other"),
        ({"intrinsics": vars(Intrinsics(30.0, 31.0, 15.5, 12.0))}, "intrinsics is Intrinsics(fx=30.0"),
        ({"intrinsics": None}, "in the one and None in the other"),
        ({"classes": {"1": "floor"}}, "its class 1 is 'floor', there it is 1 'wall'"),
        ({"classes": {"3": "wall"}}, "its class 3 is 'wall', there it is 1 'wall'"),
        ({"splits": {"train": ["a0", "a9"]}}, "names frames that are not there, such as a9: mend it with"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, folder, capsys, change, complaint):
    other = write_dataset(tmp_path / "other")
    path = other.root / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert merge(folder, other, tmp_path / "all") == 2
    err = capsys.readouterr().err
    assert complaint in err and err.count("\n") == 1
    assert not (tmp_path / "all").exists()


def test_places_that_cannot_be_are_refused(tmp_path, folder, capsys):
    other = write_dataset(tmp_path / "other")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter").write_text("precious")
    (tmp_path / "file").write_text("precious")
    before = files(tmp_path)
    for sources, out, complaint in (
        ((folder, folder), tmp_path / "all", "named twice"),
        ((folder,), folder.root, "cannot lie within"),
        ((folder,), folder.root / "all", "cannot lie within"),
        ((folder,), tmp_path, "cannot lie within"),
        ((folder,), other.root, "already holds a data set"),
        ((folder,), tmp_path / "taken", "is not empty"),
        ((folder,), tmp_path / "file", "file"),
        ((folder, tmp_path / "none"), tmp_path / "all", "is no data set folder"),
    ):
        assert merge(*sources, out) == 2
        err = capsys.readouterr().err
        assert complaint in err and err.count("\n") == 1, err
        assert files(tmp_path) == before


def test_the_beginning_of_another_merge_is_kept(tmp_path, folder, monkeypatch, capsys):
    other = write_dataset(tmp_path / "other")
    with monkeypatch.context() as patched:
        patched.setattr(merging, "_finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert merge(folder, tmp_path / "all") == 130
    before = files(tmp_path / "all")
    assert merge(other, tmp_path / "all") == 2
    assert "the beginning of a merge of other folders" in capsys.readouterr().err
    assert files(tmp_path / "all") == before


def test_a_folder_that_changes_meanwhile_is_noticed(tmp_path, folder, monkeypatch, capsys):
    with monkeypatch.context() as patched:
        patched.setattr(merging, "_finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert merge(folder, tmp_path / "all") == 130
    for kind in ("rgb", "depth"):
        folder.path(kind, "a0").unlink()
    path = folder.root / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "splits": {}}))
    assert merge(folder, tmp_path / "all") == 2
    assert "changed during the merge" in capsys.readouterr().err


def test_what_a_logger_adds_while_files_are_copied_stays_behind(tmp_path, monkeypatch):
    folder = write_logged(tmp_path / "log")
    names, place = folder.names(), merging._place

    def add(source, target):
        place(source, target)
        new = f"{OTHER_RUN}-000000"
        (folder.root / "rgb" / f"{new}.jpg").write_bytes(b"new")
        write_index(folder.root, OTHER_RUN, [header(OTHER_RUN), entry(new, 0)])
        write_index(folder.root, RUN, [header(RUN), *(entry(f"{RUN}-{i:06d}", i) for i in range(9))])

    monkeypatch.setattr(merging, "_place", add)
    assert merge(folder, tmp_path / "all") == 0
    (run,) = read_index(tmp_path / "all")
    assert list(run.frames) == names == DatasetFolder(tmp_path / "all").names()
    assert survey(tmp_path / "all").findings == []


def test_a_name_that_got_no_file_is_noticed(tmp_path, folder, monkeypatch, capsys):
    place = merging._place
    monkeypatch.setattr(merging, "_place", lambda source, target: target.stem == "a1" or place(source, target))
    assert merge(folder, tmp_path / "all") == 2
    assert "changed during the merge" in capsys.readouterr().err and not (tmp_path / "all" / "dataset.json").exists()


def test_a_picture_that_is_a_link_comes_as_what_it_leads_to(tmp_path, folder):
    path = folder.path("rgb", "a0")
    (tmp_path / "elsewhere").mkdir()
    path.rename(tmp_path / "elsewhere" / "a0.jpg")
    path.symlink_to(os.path.relpath(tmp_path / "elsewhere" / "a0.jpg", path.parent))
    assert merge(folder, tmp_path / "all" / "of" / "them") == 0
    assert frames(DatasetFolder(tmp_path / "all" / "of" / "them")) == frames(folder)


def test_a_folder_that_is_being_logged_to_is_not_merged(tmp_path, capsys):
    folder = write_logged(tmp_path / "log")
    with open(folder.root / "index" / f"{RUN}.jsonl", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert merge(folder, tmp_path / "all") == 2
    assert f"a logger is writing the run {RUN}" in capsys.readouterr().err
    assert not (tmp_path / "all").exists()
