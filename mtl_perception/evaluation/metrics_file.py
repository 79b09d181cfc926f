"""``metrics.json``: what was measured, for programs. Its keys are told of in docs/evaluation.md."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_perception.atomic_write import write_atomically
from mtl_perception.evaluation.errors import EvaluationError

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
    content = {"schema": SCHEMA, "version": VERSION, **_finite(metrics)}
    write_atomically(path, (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


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


def _finite(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {k: _finite(v) for k, v in values.items() if not (isinstance(v, float) and not math.isfinite(v))}
    if isinstance(values, list | tuple):
        return [_finite(v) for v in values]
    return values
