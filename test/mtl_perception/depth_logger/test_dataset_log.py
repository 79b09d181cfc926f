"""Frames added to a folder: what is on the disk, in which order it gets there, and what a cut or a full disk leaves."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest
from logged import HEADER, HEIGHT, WIDTH, check_whole, encoded, open_log

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_index import index_path, is_being_written, read_index
from mtl_perception.depth_logger.camera_agreement import make_folder
from mtl_perception.depth_logger.dataset_log import SOFTWARE
from mtl_perception.depth_logger.disk_space import DiskSpace, NoRoomError


def test_frames_and_what_is_told_of_them_are_on_the_disk(tmp_path):
    log = open_log(tmp_path / "new" / "set")
    names = log.append([encoded(0), encoded(1, reason="view")]) + log.append([encoded(2)])
    assert names == [f"{log.run}-{i:06d}" for i in range(3)]
    live = check_whole(log.root, names)
    assert list(live) == names
    assert live[names[1]] == {"name": names[1], **encoded(1, reason="view").line}
    log.close()
    (run,) = read_index(log.root)
    assert re.fullmatch(r"r2-\d{8}T\d{6}-[0-9a-f]{4}", run.run)
    assert run.header == {"run": run.run, "robot": "r2", "software": SOFTWARE, **HEADER} | {
        "started": run.header["started"]
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", run.header["started"])


def test_a_frame_without_pose_has_no_pose(tmp_path):
    log = open_log(tmp_path)
    frame = encoded(0)
    (name,) = log.append([type(frame)(frame.rgb, ".jpg", frame.depth, None, frame.line)])
    folder = DatasetFolder(tmp_path)
    assert not folder.has("pose", name) and folder.path("rgb", name).suffix == ".jpg"


def test_a_robot_is_named_as_files_may_be(tmp_path):
    with pytest.raises(DatasetError, match="cannot name"):
        open_log(tmp_path, robot="../r2")


def test_two_loggers_on_one_folder_have_a_run_each(tmp_path):
    logs = [open_log(tmp_path) for _ in range(2)]
    names: list[str] = []

    def write(log, first):
        for i in range(20):
            names.extend(log.append([encoded(first + i)]))

    threads = [threading.Thread(target=write, args=(log, 100 * i)) for i, log in enumerate(logs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(is_being_written(index_path(tmp_path, log.run)) for log in logs)
    assert len(check_whole(tmp_path, names)) == 40
    assert sorted(len(run.frames) for run in read_index(tmp_path)) == [20, 20]
    logs[0].close()
    assert [is_being_written(index_path(tmp_path, log.run)) for log in logs] == [False, True]


# Cuts


class Cut(BaseException):
    """The power fails."""


def scenario(root: Path, names: list[str]) -> None:
    """A few frames in batches, a second run, and frames given up for others; ``names`` are those said to be logged."""
    make_folder(root)
    for first in (1, 11):
        log = open_log(root, quota=14_000, give_up=True)
        for number in (first, first + 3):
            frames = [encoded(i, view_change=i / 20) for i in range(number, number + first // 10 + 1)]
            names += [name for name in log.append(frames) if isinstance(name, str)]
        log.close()


def test_wherever_it_is_cut_off_every_frame_of_the_index_is_whole(tmp_path, monkeypatch):
    calls = ("replace", "unlink", "pwrite", "mkdir")  # the calls by which the disk changes
    real = {call: getattr(os, call) for call in calls}
    count = [0]
    cut_at = [10**9]

    def counted(call):
        def function(*args, **kwargs):
            count[0] += 1
            if count[0] == cut_at[0]:
                if call == "pwrite":  # half a line gets there
                    real[call](args[0], bytes(args[1])[: len(args[1]) // 2], args[2])
                raise Cut
            return real[call](*args, **kwargs)

        return function

    for call in calls:
        monkeypatch.setattr(os, call, counted(call))
    names: list[str] = []
    scenario(tmp_path / "whole", names)
    steps = count[0]
    whole = check_whole(tmp_path / "whole", names)
    assert len(names) == 6 and len(whole) == 3
    for step in range(1, steps + 1):
        root = tmp_path / str(step)
        names = []
        count[0], cut_at[0] = 0, step
        with pytest.raises(Cut):
            scenario(root, names)
        cut_at[0] = 10**9
        if not (root / "dataset.json").exists():
            continue
        check_whole(root, names)
    log = open_log(root)
    names += log.append([encoded(99)])
    check_whole(root, names)


def test_a_frame_enters_the_index_only_when_its_files_and_their_names_are_synced(tmp_path, monkeypatch):
    events: list[tuple[str, str]] = []
    real = {call: getattr(os, call) for call in ("fsync", "replace", "pwrite")}

    def path_of(handle) -> str:
        return os.readlink(f"/proc/self/fd/{handle if isinstance(handle, int) else handle.fileno()}")

    monkeypatch.setattr(os, "fsync", lambda handle: events.append(("sync", path_of(handle))))
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append(("name", f"{a}>{b}")), real["replace"](a, b)))
    monkeypatch.setattr(
        os, "pwrite", lambda f, d, at: (events.append(("line", path_of(f))), real["pwrite"](f, d, at))[1]
    )
    log = open_log(tmp_path)
    events.clear()
    log.append([encoded(0), encoded(1)])
    line = events.index(("line", str(index_path(tmp_path, log.run))))
    assert events[line + 1 :] == [("sync", str(index_path(tmp_path, log.run)))]
    renamed = [(i, *what.split(">")) for i, (kind, what) in enumerate(events) if kind == "name"]
    assert len(renamed) == 6
    for i, temporary, final in renamed:
        assert ("sync", temporary) in events[:i]
        assert ("sync", str(Path(final).parent)) in events[i:line]
    assert ("sync", str(tmp_path)) in events[:line]  # the folders are new


# Full disks


def refuse(monkeypatch, what: str, error: int = errno.ENOSPC):
    """From now on files under ``what`` cannot be written; returns a function that ends it."""
    import mtl_perception.depth_logger.dataset_log as module

    real = module.write_atomically

    def write(path, data):
        if what in str(path):
            raise OSError(error, os.strerror(error), str(path))
        real(path, data)

    monkeypatch.setattr(module, "write_atomically", write)
    return lambda: monkeypatch.setattr(module, "write_atomically", real)


@pytest.mark.parametrize("kind", ["depth", "pose", "rgb"])
def test_a_frame_that_the_disk_refuses_leaves_nothing_and_the_next_is_logged(tmp_path, monkeypatch, kind):
    log = open_log(tmp_path)
    names = log.append([encoded(0)])
    used = log.space.used
    end = refuse(monkeypatch, f"/{kind}/")
    result = log.append([encoded(1), encoded(2)])
    assert all(isinstance(r, OSError) and "No space left" in str(r) for r in result)
    assert log.space.used == used and [p.stem for p in tmp_path.glob("*/*-000001*")] == []
    end()
    names += log.append([encoded(3)])
    assert [name[-6:] for name in check_whole(tmp_path, names)] == ["000000", "000003"]
    assert sorted(p.name for p in tmp_path.rglob("*.part")) == []


def test_a_frame_that_fails_does_not_take_others_of_its_batch_along(tmp_path, monkeypatch):
    log = open_log(tmp_path)
    refuse(monkeypatch, "000001")
    first, second, third = log.append([encoded(0), encoded(1), encoded(2)])
    assert isinstance(second, OSError)
    assert list(check_whole(tmp_path, [first, third])) == [first, third]


def test_an_index_that_the_disk_refuses_is_as_before_and_so_is_the_folder(tmp_path, monkeypatch):
    log = open_log(tmp_path)
    names = log.append([encoded(0)])
    real = os.pwrite

    def half(file, data, offset):
        real(file, bytes(data)[:20], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", half)
    assert all(isinstance(r, OSError) for r in log.append([encoded(1), encoded(2)]))
    monkeypatch.setattr(os, "pwrite", real)
    assert not list(tmp_path.glob("*/*-00000[12]*"))
    names += log.append([encoded(3)])
    assert list(check_whole(tmp_path, names)) == names


def test_a_disk_that_takes_a_line_in_pieces_gets_all_of_it(tmp_path, monkeypatch):
    log = open_log(tmp_path)
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: real(file, bytes(data)[:7], offset))
    check_whole(tmp_path, log.append([encoded(0), encoded(1)]))


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount a file system here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("foreseen", [True, False])
def test_on_a_disk_that_runs_full_what_was_logged_stays_whole_and_logging_goes_on_with_room(
    small_disk, monkeypatch, foreseen
):
    if not foreseen:  # somebody else may take the last room at any moment
        monkeypatch.setattr(DiskSpace, "free", 10**9)
    log = open_log(small_disk)
    results = [log.append([encoded(i)])[0] for i in range(120)]
    logged = [r for r in results if isinstance(r, str)]
    refused = [r for r in results if not isinstance(r, str)]
    assert len(logged) >= 15
    if foreseen:
        assert {str(r) for r in refused} == {f"the disk of {small_disk} is full"}
    else:
        assert {r.errno for r in refused} == {errno.ENOSPC}
    check_whole(small_disk, logged)
    assert not list(small_disk.rglob("*.part"))
    for path in (small_disk / "rgb").glob("*-00000?.png"):
        path.unlink()
    assert isinstance(log.append([encoded(500)])[0], str)


def test_what_must_stay_free_stays_free(small_disk):
    log = open_log(small_disk, min_free=100_000)
    results = [log.append([encoded(i)])[0] for i in range(60)]
    assert isinstance(results[-1], NoRoomError) and "must stay" in str(results[-1])
    assert log.space.free >= 100_000
    check_whole(small_disk, [r for r in results if isinstance(r, str)])


@pytest.mark.parametrize("reason", ["view", "service"])
def test_for_a_disk_that_others_fill_no_frame_is_given_up(tmp_path, monkeypatch, reason):
    log = open_log(tmp_path, give_up=True)
    names = log.append([encoded(i, view_change=i / 100) for i in range(5)])
    log.space._quota = log.space.used
    monkeypatch.setattr(DiskSpace, "free", 0)
    (result,) = log.append([encoded(9, reason=reason)])
    assert type(result) is NoRoomError and str(result) == f"the disk of {tmp_path} is full"
    assert list(check_whole(tmp_path, names)) == names and log.dropped == 0


def test_without_a_quota_nobody_waits_for_the_folder_to_be_counted(tmp_path, monkeypatch):
    release, counted_by = threading.Event(), []

    def count(folder):
        counted_by.append(threading.current_thread().name)
        release.wait(10)
        return 10**6

    monkeypatch.setattr("mtl_perception.depth_logger.disk_space._bytes_under", count)
    monkeypatch.setattr("mtl_perception.depth_logger.disk_space._COUNT_AGAIN", 1)
    log = open_log(tmp_path, quota=0)
    names = [log.append([encoded(i)])[0] for i in range(3)]
    assert len(check_whole(tmp_path, names)) == 3 and log.space.used == sum(encoded(i).size for i in range(3))
    release.set()
    deadline = time.monotonic() + 10
    while log.space.used < 10**6 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log.space.used > 10**6 and counted_by == ["log_count"]


def test_a_folder_moved_away_gets_no_files_where_it_was(tmp_path):
    log = open_log(tmp_path / "set")
    (name,) = log.append([encoded(0)])
    (tmp_path / "set").rename(tmp_path / "moved")
    (result,) = log.append([encoded(1)])
    assert isinstance(result, FileNotFoundError) and not (tmp_path / "set").exists()
    assert list(check_whole(tmp_path / "moved", [name])) == [name]
    make_folder(tmp_path / "set")  # by another logger
    (result,) = log.append([encoded(2)])
    assert isinstance(result, FileNotFoundError) and not (tmp_path / "set" / "rgb").exists()


def test_a_folder_damaged_in_mid_run_costs_no_frame_that_found_room(tmp_path):
    log = open_log(tmp_path, give_up=True)
    names = log.append([encoded(i, view_change=0.5) for i in range(3)])
    log.space._quota = log.space.used + encoded(3).size  # room for one
    text = (tmp_path / "dataset.json").read_text()
    (tmp_path / "dataset.json").write_text("{")
    first, second = log.append([encoded(3), encoded(4)])
    assert isinstance(first, str) and isinstance(second, DatasetError)
    (tmp_path / "dataset.json").write_text(text)
    check_whole(tmp_path, [*names, first])


def test_a_folder_that_cannot_be_written_is_named(small_disk):
    make_folder(small_disk / "set")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for folder in ("set", "new"):
        with pytest.raises(DatasetError, match=rf"cannot write to {small_disk / folder}: Read-only file system"):
            make_folder(small_disk / folder)


def test_sizes(tmp_path):
    frame = encoded(0)
    log = open_log(tmp_path)
    before = log.space.used
    (name,) = log.append([frame])
    on_disk = sum(p.stat().st_size for p in tmp_path.glob(f"*/{name}.*"))
    assert frame.size == on_disk == log.space.used - before
    assert DatasetFolder(tmp_path).read_rgb(name).shape == (HEIGHT, WIDTH, 3)
