"""A disk that is full after so many files."""

import errno
import os

import pytest


def fill_after(files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``os.fsync``, which every whole file goes through, fail for want of space from the next file on."""
    real, written = os.fsync, []

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > files:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
