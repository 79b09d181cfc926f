"""A line of an index, written again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def index_line(value: Mapping[str, Any]) -> str:
    """The line, with its end, of what was read from an index; what JSON cannot tell is left out of it."""
    try:
        return json.dumps(value, allow_nan=False) + "\n"
    except ValueError:  # 1e999 was read as infinity, which JSON has not
        return json.dumps({key: value[key] for key in ("run", "name", "stamp", "depth_stamp") if key in value}) + "\n"
