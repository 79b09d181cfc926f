"""Arrays in ``.npz`` files from elsewhere: what one says of itself is looked at before all of it is unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from mtl_perception.archive_damage import ARCHIVE_DAMAGES
from mtl_perception.dataset_folder import DatasetError


def read_array(path: Path, key: str, shape: Sequence[int | None], most: tuple[int, int]) -> np.ndarray:
    """The float16 array ``key`` of the file.

    Args:
        path: of it.
        key: its name in there.
        shape: what it must have; None is any length up to ``most``, of the first two axes.
        most: height and width.

    Raises:
        DatasetError: the file is damaged or holds something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            with archive.open(f"{key}.npy") as member:
                found, dtype = _described(member)
            fits = len(found) == len(shape) and all(
                n == s or (s is None and n <= most[axis]) for axis, (n, s) in enumerate(zip(found, shape, strict=True))
            )
            if fits and dtype == np.float16:
                with archive.open(f"{key}.npy") as member:
                    return np.lib.format.read_array(member, allow_pickle=False)
    except (OSError, KeyError, *ARCHIVE_DAMAGES) as error:
        raise DatasetError(f"{path} is damaged or holds no {key}: {error}") from error
    wanted = ", ".join(f"{'hw'[axis]} <= {most[axis]}" if s is None else str(s) for axis, s in enumerate(shape))
    raise DatasetError(f"{path} holds {dtype} of shape {found}, not float16 of ({wanted})")


def _described(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of the array in a ``.npy`` file."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
