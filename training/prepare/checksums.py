"""Checksums of official files, so that a damaged download is found before hours go into it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tqdm import tqdm

from mtl_perception.dataset_folder import DatasetError

MD5 = {
    "nyu_depth_v2_labeled.mat": "520609c519fba3ba5ac58c8fefcc3530",
    "splits.mat": "08e3c3aea27130ac7c01ffd739a4535f",
    "leftImg8bit_trainvaltest.zip": "0a6e97e94b616a514066c9e2adb0c97f",
    "gtFine_trainvaltest.zip": "4237c19de34c8a376e9ba46b495d6f66",
}
"""MD5 of the files as their authors publish them, by name."""

_CHUNK = 1 << 22


def verify(path: Path) -> None:
    """Check a file whose checksum is known, with a progress bar; other files pass.

    Raises:
        DatasetError: the file is not the official one, or cannot be read.
    """
    wanted = MD5.get(path.name)
    if wanted is None:
        return
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with (
            open(path, "rb") as file,
            tqdm(total=path.stat().st_size, unit="B", unit_scale=True, desc=f"checking {path.name}") as bar,
        ):
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                bar.update(len(chunk))
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    if digest.hexdigest() != wanted:
        raise DatasetError(
            f"{path} is damaged or not the official file: its MD5 is {digest.hexdigest()}, that one's is {wanted}; "
            "download it again, or use it as it is with --skip-checksums"
        )
