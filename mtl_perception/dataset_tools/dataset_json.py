"""A data set's ``dataset.json`` where it names what cannot be, and changing it with what other programs keep in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetInfo, check_name

LISTS = ("splits", "sequences")
"""Fields of ``dataset.json`` that hold lists of frame names."""


def read_dataset_json(root: Path) -> tuple[DatasetInfo, list[tuple[str, str, Any]]]:
    """What ``dataset.json`` of the folder ``root`` says, without the frame names that cannot be names.

    Returns:
        It, and those names, each with the field and the list that it was in.

    Raises:
        DatasetError: there is none, or something else is wrong with it.
    """
    path = root / "dataset.json"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"{root} is no data set folder: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: {error}") from error
    wrong: list[tuple[str, str, Any]] = []
    try:
        data = json.loads(text)
        for field in LISTS:
            for key, names in data.get(field, {}).items():
                wrong += [(field, key, name) for name in names if not is_name(name)]
                data[field][key] = [name for name in names if is_name(name)]
        text = json.dumps(data)
    except (ValueError, RecursionError, AttributeError, TypeError):
        wrong = []  # the reader tells what is wrong
    try:
        return DatasetInfo.from_json(text), wrong
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error


def change_dataset_json(root: Path, changes: Mapping[str, Any]) -> None:
    """Write ``dataset.json`` of the folder ``root`` anew, with ``changes`` to its fields and all others as they were.

    To be called within ``locked_dataset_json``, in which also what ``changes`` were made of was read: else what
    another program has changed since is undone.

    Raises:
        DatasetError: it would make no sense; nothing is changed.
        OSError: the disk refuses.
    """
    path = root / "dataset.json"
    data = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    text = json.dumps(data, indent=1, ensure_ascii=False)
    DatasetInfo.from_json(text)
    write_atomically(path, text.encode())


def is_name(name: Any) -> bool:
    """Whether ``name`` can name a frame."""
    try:
        check_name(name)
    except DatasetError:
        return False
    return True
