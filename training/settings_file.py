"""With what settings something long was begun: it is gone on with under no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_perception.json_file import write_json
from training.errors import ConfigurationError


def check_settings(path: Path, settings: Mapping[str, Any], what: str, remedy: str) -> None:
    """Compare ``settings`` with those at ``path``; a file that is not there is no hindrance.

    Args:
        path: of the JSON.
        settings: as of now; what they add to those of the file differs, too.
        what: was begun, for the message.
        remedy: what to do about a difference, for the message.

    Raises:
        ConfigurationError: they differ; the message names in what.
    """
    if not path.exists():
        return
    begun, now = json.loads(path.read_text()), json.loads(json.dumps(settings))
    differ = [key for key, value in now.items() if begun.get(key) != value]
    if differ:
        raise ConfigurationError(
            f"{what} was begun with other settings than now ({', '.join(differ)} differ; see {path}): {remedy}"
        )


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Keep them for ``check_settings``."""
    write_json(path, settings)
