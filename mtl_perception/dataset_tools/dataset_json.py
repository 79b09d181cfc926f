"""Changing a data set's ``dataset.json``, with what other programs keep in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetInfo


def change_dataset_json(root: Path, changes: Mapping[str, Any]) -> None:
    """Write ``dataset.json`` of the folder ``root`` anew, with ``changes`` to its fields and all others as they were.

    Raises:
        DatasetError: it would make no sense; nothing is changed.
        OSError: the disk refuses.
    """
    path = root / "dataset.json"
    data = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    text = json.dumps(data, indent=1, ensure_ascii=False)
    DatasetInfo.from_json(text)
    write_atomically(path, text.encode())
