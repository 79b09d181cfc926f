"""A measured matrix, read again from the JSON of ``report.as_json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.errors import ConfigurationError


def read_matrix(path: Path, advice: str = "") -> dict[str, Any]:
    """The content of the file.

    Args:
        path: where it should be.
        advice: what to do where it is not there.

    Raises:
        ConfigurationError: it cannot be read, or is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = [effect["relative"] for effect in content["pairs"].values()]
        if {"study", "tasks", "labels"} <= content.keys() and all(isinstance(k, int | float | None) for k in known):
            return content
    except OSError as error:
        reason = f"{error.strerror}; {advice}" if advice else error.strerror
        raise ConfigurationError(f"cannot read the matrix {path}: {reason}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # As with any other file.
    raise ConfigurationError(f"{path} is no matrix of `python -m training affinity`")


def gains(matrix: dict[str, Any]) -> dict[str, float]:
    """By pair ``FROM>TO`` how much giving the one changed the student's other, relative; known ones only."""
    return {pair: effect["relative"] for pair, effect in matrix["pairs"].items() if effect["relative"] is not None}
