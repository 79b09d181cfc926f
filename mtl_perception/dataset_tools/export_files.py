"""The files that a labelling tool exported: a folder, a zip archive that is never unpacked, or one file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from mtl_perception.archive_damage import ARCHIVE_DAMAGES
from mtl_perception.dataset_folder import DatasetError

_LARGEST_FILE = 1 << 30
"""Bytes; an archive may claim to hold more than any memory does."""


class ExportFiles:
    """Read access to an export.

    Attributes:
        names: paths of its files within the export, with ``/``, sorted; those of hidden files are left out.

    Raises:
        DatasetError: there is none, it cannot be read, or a file in it is said to lie outside of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        self._is_one_file = False
        if path.is_dir():
            names = [p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()]
        elif path.suffix.lower() == ".json" and path.is_file():
            names = [path.name]
            self._is_one_file = True
        else:
            names = self._open_archive()
        visible = (n for n in names if not any(part.startswith(".") or part == "__MACOSX" for part in n.split("/")))
        self.names = tuple(sorted(visible))

    def read(self, name: str) -> bytes:
        """The content of one of ``names``.

        Raises:
            DatasetError: it is damaged or cannot be read.
        """
        try:
            if self._archive is None:
                return self.where(name).read_bytes()
            if self._archive.getinfo(name).file_size > _LARGEST_FILE:
                raise DatasetError(f"{self.where(name)} is larger than an export's file can be")
            return self._archive.read(name)
        except OSError as error:
            raise DatasetError(f"cannot read {self.where(name)}: {error.strerror or error}") from error
        except ARCHIVE_DAMAGES as error:
            raise DatasetError(f"cannot read {self.where(name)}: {error}") from error

    def read_json(self, name: str) -> Any:
        """The content of one of ``names`` that is JSON.

        Raises:
            DatasetError: it is not, or cannot be read.
        """
        return parse_json(self.read(name), self.where(name))

    def where(self, name: str) -> Path:
        """The path by which people know one of ``names``."""
        return self.path if self._is_one_file else self.path / name

    def _open_archive(self) -> list[str]:
        try:
            self._archive = zipfile.ZipFile(self.path)
        except FileNotFoundError as error:
            raise DatasetError(f"there is no file or folder {self.path}") from error
        except OSError as error:
            raise DatasetError(f"cannot read {self.path}: {error.strerror}") from error
        except zipfile.BadZipFile as error:
            raise DatasetError(f"{self.path} is no folder, zip archive or JSON file") from error
        names = [info.filename for info in self._archive.infolist() if not info.is_dir()]
        for name in names:
            if leads_out(name):
                raise DatasetError(f"{self.path}: the file {name!r} in it leads out of the archive")
        return names


def leads_out(name: str) -> bool:
    """Whether the relative path ``name``, of any system, would lead out of the folder it is in."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or ":" in parts[0]


def parse_json(data: bytes, path: Path) -> Any:
    """What ``data``, the content of ``path``, says.

    Raises:
        DatasetError: it is not JSON.
    """
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not JSON: {error}") from error
