"""What networks were trained on, and several together: whoever learns from them is bound by all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mtl_perception.model_card import TrainingData


def data_of_all(parts: Iterable[Iterable[TrainingData]]) -> tuple[TrainingData, ...]:
    """Every data set of any of them once, with the most frames that one of them saw."""
    frames: dict[tuple[str, str], int] = {}
    for entry in (entry for part in parts for entry in part):
        key = (entry.name, entry.licence)
        frames[key] = max(entry.frames, frames.get(key, 0))
    return tuple(TrainingData(name, count, licence) for (name, licence), count in frames.items())


def budgets_of_all(parts: Iterable[Mapping[str, str | None]]) -> dict[str, str]:
    """Digest of the label budget by data set, of those that all who saw it saw within the same.

    Args:
        parts: of each, digest by data set that it was trained on; None: every label there is.
    """
    seen: dict[str, set[str | None]] = {}
    for name, digest in (item for part in parts for item in part.items()):
        seen.setdefault(name, set()).add(digest)
    return {name: digest for name, (digest, *others) in seen.items() if digest is not None and not others}


def budget_by_data(data: Iterable[TrainingData], budgets: Mapping[str, str | None]) -> dict[str, str | None]:
    """Digest of the label budget by data set, of all of ``data``; None: every label there is."""
    return {entry.name: budgets.get(entry.name) for entry in data}
