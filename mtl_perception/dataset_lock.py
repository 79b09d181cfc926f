"""Keeping several programs from changing one ``dataset.json`` at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtl_perception.dataset_index import INDEX_FOLDER


@contextmanager
def locked_dataset_json(root: Path) -> Iterator[None]:
    """Context in which no other program that asks here reads and rewrites the ``dataset.json`` of ``root``.

    Waits for one that does. It is not to be nested: the second would wait for the first for ever.

    Raises:
        OSError: the folder cannot be written.
    """
    (root / INDEX_FOLDER).mkdir(exist_ok=True)
    file = os.open(root / INDEX_FOLDER / ".lock", os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
