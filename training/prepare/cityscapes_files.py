"""The official packages of Cityscapes, unpacked or still in their archives."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.picture import PictureError, decode_picture
from training.prepare.checksums import verify

HEIGHT, WIDTH = 1024, 2048
SPLITS = ("train", "val")
"""Those with labels; the labels of ``test`` are secret."""

SUFFIX = {
    "leftImg8bit": "_leftImg8bit.png",
    "gtFine": "_gtFine_labelIds.png",
    "disparity": "_disparity.png",
    "camera": "_camera.json",
}
"""Package to the end of its files' names."""


class Package:
    """One kind of files: the folder ``KIND``, or where there is none the archive ``KIND_trainvaltest.zip``.

    Args:
        source: folder that holds either.
        kind: a key of ``SUFFIX``.
        check: whether to compare an archive's checksum.

    Raises:
        DatasetError: there is neither, or the archive is damaged.
    """

    def __init__(self, source: Path, kind: str, check: bool) -> None:
        self.kind = kind
        self.root = source / kind
        self._archive: zipfile.ZipFile | None = None
        if self.root.is_dir():
            return
        self.root = source / f"{kind}_trainvaltest.zip"
        if not self.root.is_file():
            raise DatasetError(
                f"{source} has neither the folder {kind} nor {self.root.name}: docs/data.md tells where to get it"
            )
        if check:
            verify(self.root)
        try:
            self._archive = zipfile.ZipFile(self.root)
        except (zipfile.BadZipFile, OSError) as error:
            raise DatasetError(f"{self.root} is damaged or no archive: {error}") from error

    def frames(self, split: str) -> list[str]:
        """Names of the frames of ``split``, ``CITY_SEQUENCE_FRAME``, sorted."""
        suffix = SUFFIX[self.kind]
        if self._archive:
            start = f"{self.kind}/{split}/"
            files = (name for name in self._archive.namelist() if name.startswith(start))
        else:
            files = (path.name for path in (self.root / split).glob(f"*/*{suffix}"))
        names = (os.path.basename(name) for name in files)
        # Some systems leave hidden files beside the images.
        return sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix) and name[0] != ".")

    def where(self, split: str, name: str) -> str:
        """The file of a frame, for people."""
        return f"{self.root}{':' + self.kind if self._archive else ''}/{self._inside(split, name)}"

    def read(self, split: str, name: str) -> bytes:
        """The file of a frame.

        Raises:
            DatasetError: it is missing or damaged.
        """
        inside = self._inside(split, name)
        try:
            if self._archive:
                return self._archive.read(f"{self.kind}/{inside}")
            return (self.root / inside).read_bytes()
        except (FileNotFoundError, KeyError):
            raise DatasetError(f"{self.where(split, name)} is missing") from None
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise DatasetError(f"{self.where(split, name)} is damaged: {error}") from error
        except OSError as error:
            raise DatasetError(f"cannot read {self.where(split, name)}: {error.strerror or error}") from error

    def read_image(self, split: str, name: str, dtype: str, channels: int) -> np.ndarray:
        """The image of a frame at full size: (1024, 2048), or (1024, 2048, 3) RGB.

        Raises:
            DatasetError: it is missing, damaged, or of another size or type.
        """
        where = self.where(split, name)
        try:
            image = decode_picture(self.read(split, name), cv2.IMREAD_UNCHANGED)
        except PictureError as error:
            raise DatasetError(f"{where}: {error}") from error
        if image.shape[:2] != (HEIGHT, WIDTH):
            raise DatasetError(f"{where} is {image.shape[1]}x{image.shape[0]}, not {WIDTH}x{HEIGHT}")
        found = 1 if image.ndim == 2 else image.shape[2]
        if image.dtype.name != dtype or found != channels:
            raise DatasetError(f"{where} has {found} channels of {image.dtype}, not {channels} of {dtype}")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if channels == 3 else image

    def _inside(self, split: str, name: str) -> str:
        city = name.partition("_")[0]
        return f"{split}/{city}/{name}{SUFFIX[self.kind]}"
