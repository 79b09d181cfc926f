"""A file is there whole or not at all, and nothing is left beside it."""

from __future__ import annotations

import errno
import os
import resource

import pytest
from one_frame_folder import files

from mtl_perception.atomic_write import write_atomically


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_failed_write_leaves_what_was_there_and_no_part(tmp_path, monkeypatch, step, before):
    path = tmp_path / "rgb/a.png"
    if before is not None:
        write_atomically(path, before)

    def fail(*_):
        raise OSError(errno.ENOSPC, "disk full")

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if step == "write":  # the kernel refuses the second half
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    else:
        monkeypatch.setattr(os, step, fail)
    try:
        with pytest.raises(OSError) as caught:
            write_atomically(path, bytes(100_000))
        assert caught.value.filename == str(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(tmp_path) == (set() if before is None else {"rgb/a.png"})
    assert before is None or path.read_bytes() == before


def test_the_name_appears_only_when_all_is_on_the_disk(tmp_path, monkeypatch):
    path, data, seen = tmp_path / "a.png", bytes(range(256)) * 500, []

    def fsync(_):
        seen.append([p.read_bytes() == data for p in tmp_path.iterdir()])
        assert not path.exists()

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(path, data)
    assert seen == [[True]]
    assert files(tmp_path) == {"a.png"} and path.read_bytes() == data
