"""Figures for programs, as JSON that every reader takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_perception.atomic_write import write_atomically


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` whole or not at all.

    JSON has no NaN and no infinity: a key with such a value is left out, in a list null stands for it.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(_finite(content), indent=1, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items() if not _is_no_number(value)}
    if isinstance(content, list | tuple):
        return [None if _is_no_number(value) else _finite(value) for value in content]
    return content


def _is_no_number(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
