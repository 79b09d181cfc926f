"""Files of this user's own making: known by their first line, whole by their checksum, written by nobody else."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from mtl_perception.atomic_write import write_atomically

_LARGEST = 2 << 30
_OWN = 0o600
"""This user's alone: by a umask such as Ubuntu's, 002, the group could write it, and it would not be taken."""


class SealError(ValueError):
    """A file was not written here, or is not whole; a phrase that says why."""


def write_sealed(path: Path, kind: str, body: bytes) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: there is no room or no permission.
    """
    checksum = hashlib.sha256(body).hexdigest().encode()
    write_atomically(path, _first_line(kind) + checksum + b"\n" + body, _OWN)


def read_sealed(path: Path, kind: str) -> bytes:
    """What ``write_sealed`` was given.

    Raises:
        SealError: it is foreign or damaged.
        FileNotFoundError: there is none; OSError: it cannot be read.
    """
    data = _own_bytes(path)
    if not data.startswith(_first_line(kind)):
        raise SealError("a foreign file")
    checksum, _, body = data[len(_first_line(kind)) :].partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        raise SealError("the file is damaged: its checksum is another")
    return body


def nobody_elses(about: os.stat_result) -> bool:
    """Whether only this user, or root, can have written a file or into a folder."""
    return about.st_uid in (os.geteuid(), 0) and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _first_line(kind: str) -> bytes:
    return f"mtl_perception {kind} 1\n".encode()


def _own_bytes(path: Path) -> bytes:
    """The content of a file of this user's that nobody else can write."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise SealError("a foreign file: it is no plain file")
        if not nobody_elses(about):
            raise SealError("a foreign file: others than this user may have written it")
        if about.st_size > _LARGEST:
            raise SealError("a foreign file: it is larger than any engine")
        return file.read()
