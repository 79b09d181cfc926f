"""Figures of metrics.json, found and written: one that is missing, or is no number, is absent and never a word."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

ABSENT = "–"  # noqa: RUF001 - the dash of a table's empty cell
_SPACE = "\N{NO-BREAK SPACE}"
_METRES_FROM = 0.995
"""Lengths below are written in centimetres."""


def part(values: Any, *path: str) -> Any:
    """What lies at ``path`` in nested mappings; None where any step is missing."""
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def entries(values: Any, *path: str) -> list[Mapping[str, Any]]:
    """The mappings listed at ``path``; none where there is no list."""
    found = part(values, *path)
    return [e for e in found if isinstance(e, Mapping)] if isinstance(found, list | tuple) else []


def figure(values: Any, *path: str) -> float | None:
    """The finite number at ``path`` in nested mappings, or None."""
    found = part(values, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def text(values: Any, *path: str) -> str:
    """What lies at ``path`` as text, empty where there is nothing to read."""
    found = part(values, *path)
    is_none = found is None or (isinstance(found, float) and not math.isfinite(found))
    return "" if is_none else str(found)


def percent(share: float) -> str:
    """A share, 0..1 or more, as per cent; 0 is only what is nothing."""
    return f"<{_SPACE}0.1{_SPACE}%" if 0 < share < 0.0005 else f"{100 * share:.1f}{_SPACE}%"


def whole_percent(share: float) -> str:
    """A share, 0..1, as whole per cent; 0 and 100 are only what is nothing and everything."""
    if 0 < share < 0.005:
        return f"<{_SPACE}1{_SPACE}%"
    if 0.995 <= share < 1:
        return f">{_SPACE}99{_SPACE}%"
    return f"{100 * share:.0f}{_SPACE}%"


def metres(length: float) -> str:
    """Metres to the millimetre."""
    return f"{length:.3f}{_SPACE}m"


def signed_metres(length: float) -> str:
    """Metres to the millimetre, with their sign."""
    return f"{length:+.3f}{_SPACE}m".replace("-", "\N{MINUS SIGN}")


def length(value: float) -> str:
    """A length as one would say it, ``value`` in metres."""
    return f"{100 * value:.0f}{_SPACE}cm" if value < _METRES_FROM else f"{value:.2g}{_SPACE}m"


def distance(value: float) -> str:
    """A limit of a range of distances, metres, without needless zeros."""
    return f"{value:g}{_SPACE}m"


def milliseconds(value: float) -> str:
    """Milliseconds, to a tenth where they are few."""
    return f"{value:.1f}{_SPACE}ms" if value < 100 else f"{value:,.0f}{_SPACE}ms"


def plain(value: float) -> str:
    """A number without a unit."""
    return f"{value:.3f}"


def count(value: float) -> str:
    """A whole number, thousands set apart."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """So many a second."""
    return f"{value:.1f}"


def cpu(value: float) -> str:
    """Per cent of one core."""
    return f"{value:.0f}{_SPACE}%"


def hertz(value: float) -> str:
    """A rate in hertz."""
    return f"{value:.1f}{_SPACE}Hz"


def mebibytes(value: float) -> str:
    """A size in MiB."""
    return f"{value:,.0f}{_SPACE}MiB"


def listed(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *rest, last = list(words)
    return f"{', '.join(rest)} and {last}" if rest else last


def counted(number: float, one: str, many: str | None = None) -> str:
    """``1 frame``, ``3 frames``."""
    return f"{number:,.0f}{_SPACE}{one if number == 1 else many or one + 's'}"


def first_model(model: Mapping[str, Any]) -> str:
    """The name of the model that ``model`` agrees or disagrees with, where nothing is known to be true."""
    return text(model, "agreement", "with") or "the first model"
