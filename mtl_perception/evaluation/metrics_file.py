"""``metrics.json``: what was measured, for programs. Its keys are told of in docs/evaluation.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_perception.evaluation.errors import EvaluationError
from mtl_perception.json_file import write_json

SCHEMA = "mtl_perception/evaluation"
VERSION = 1
_KINDS = {"complete": bool, "made": dict, "bag": dict, "models": list}


class MetricsError(EvaluationError):
    """A file holds no metrics, or of another version; one line says which."""


def write_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """Write ``metrics`` whole or not at all, under the schema's name; what is no number is left out.

    Raises:
        OSError: it cannot be written.
    """
    write_json(path, {"schema": SCHEMA, "version": VERSION, **metrics})


def read_metrics(path: Path) -> dict[str, Any]:
    """What ``write_metrics`` wrote.

    Raises:
        MetricsError: it is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MetricsError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise MetricsError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise MetricsError(f"{path} was not written by `mtl-perception evaluate`")
    if content.get("version") != VERSION:
        raise MetricsError(f"{path} is of version {content.get('version')}, this program reads version {VERSION}")
    for key, kind in _KINDS.items():
        if not isinstance(content.get(key), kind):
            raise MetricsError(f"{path} is damaged: {key} is missing or no {kind.__name__}")
    if not content["models"] or not all(isinstance(m, dict) and "name" in m for m in content["models"]):
        raise MetricsError(f"{path} is damaged: it names no models")
    return content
