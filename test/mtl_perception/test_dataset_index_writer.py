"""Lines of an index file: alone, whole, and after what a power cut left."""

from __future__ import annotations

import errno
import json
import os
import threading

import pytest

from mtl_perception import dataset_index_writer
from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError
from mtl_perception.dataset_index import index_path, is_being_written, read_run
from mtl_perception.dataset_index_writer import IndexWriter

RUN = "r2-20260131T120000-0a1b"


def frame(number: int) -> dict:
    return {"name": f"{RUN}-{number:06d}", "stamp": number}


def test_lines_come_back_and_the_file_is_free_afterwards(tmp_path):
    writer = IndexWriter.create(tmp_path, {"run": RUN, "robot": "rübe"})
    writer.append([frame(0), frame(1)])
    writer.append([{"dropped": frame(0)["name"]}])
    path = index_path(tmp_path, RUN)
    assert is_being_written(path)
    writer.close()
    assert not is_being_written(path)
    index = read_run(path)
    assert list(index.frames.values()) == [frame(1)] and index.header["robot"] == "rübe" and not index.problems


def test_a_run_is_begun_once(tmp_path):
    IndexWriter.create(tmp_path, {"run": RUN}).close()
    with pytest.raises(FileExistsError):
        IndexWriter.create(tmp_path, {"run": RUN})
    with pytest.raises(DatasetError, match="there is no index file"):
        IndexWriter(index_path(tmp_path, "other"))


def test_only_one_writes_a_file(tmp_path):
    writer = IndexWriter.create(tmp_path, {"run": RUN})
    path = index_path(tmp_path, RUN)
    with pytest.raises(DatasetError, match=r"0a1b\.jsonl is being written by another process"):
        IndexWriter(path)
    writer.close()
    IndexWriter(path).close()


def test_a_file_written_anew_while_its_lock_is_waited_for_is_opened_anew(tmp_path, monkeypatch):
    IndexWriter.create(tmp_path, {"run": RUN}).close()
    path, lock = index_path(tmp_path, RUN), dataset_index_writer._lock
    times = []

    def repair_first(file):
        times.append(file)
        if len(times) < 3:  # `check --repair` replaces the file and is done
            write_atomically(path, path.read_bytes() + json.dumps(frame(len(times))).encode() + b"\n")
        lock(file)

    monkeypatch.setattr(dataset_index_writer, "_lock", repair_first)
    writer = IndexWriter(path)
    assert is_being_written(path) and writer.is_in_place() and len(times) == 3
    writer.append([frame(9)])
    assert list(read_run(path).frames.values()) == [frame(1), frame(2), frame(9)]


def test_who_asks_whether_a_file_is_written_keeps_nobody_from_writing_it(tmp_path):
    IndexWriter.create(tmp_path, {"run": RUN}).close()
    path = index_path(tmp_path, RUN)
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.001):
            is_being_written(path)

    asking = threading.Thread(target=ask)
    asking.start()
    for i in range(100):
        writer = IndexWriter(path)
        writer.append([frame(i)])
        writer.close()
    stop.set()
    asking.join()
    assert len(read_run(path).frames) == 100


@pytest.mark.parametrize("torn", [b'{"name": "r2', b"{\n", bytes(100)])
def test_a_torn_line_is_cut_off_when_the_file_is_opened(tmp_path, torn):
    IndexWriter.create(tmp_path, {"run": RUN}).close()
    path = index_path(tmp_path, RUN)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    writer = IndexWriter(path)
    assert path.read_bytes() == whole
    writer.append([frame(0)])
    assert list(read_run(path).frames) == [frame(0)["name"]] and not read_run(path).problems


def test_a_line_the_disk_refused_is_not_there_even_if_it_cannot_be_cut_off_at_once(tmp_path, monkeypatch):
    writer = IndexWriter.create(tmp_path, {"run": RUN})
    broken = OSError(errno.EIO, "Input/output error")

    def refuse(*_):
        raise broken

    cut = os.ftruncate
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        patch.setattr(os, "ftruncate", lambda file, end: cut(file, end) if end == 0 else refuse())
        with pytest.raises(OSError):
            writer.append([frame(0), frame(1)])
    writer.append([frame(2)])
    index = read_run(index_path(tmp_path, RUN))
    assert list(index.frames) == [frame(2)["name"]] and not index.problems


def test_a_run_that_cannot_begin_leaves_no_file(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", refuse)
        with pytest.raises(OSError):
            IndexWriter.create(tmp_path, {"run": RUN})
    assert not index_path(tmp_path, RUN).exists()
    IndexWriter.create(tmp_path, {"run": RUN}).close()
