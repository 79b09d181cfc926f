"""The cheap version of a study: a first look on two cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

CHEAP = "_cheap"
"""Ends the name of a study's cheap version."""


class _Study(Protocol):
    name: str
    fit: Mapping[str, Any]
    cheap: Mapping[str, Any]


StudyT = TypeVar("StudyT", bound=_Study)


def cheap_version(study: StudyT) -> StudyT:
    """The study as its ``cheap`` changes it: ``fit`` argument by argument, all else as a whole."""
    changes = dict(study.cheap)
    fit = changes.pop("fit", None) or {}
    merged = {group: {**study.fit.get(group, {}), **fit.get(group, {})} for group in {*study.fit, *fit}}
    return replace(study, name=study.name + CHEAP, fit=merged, cheap={}, **changes)
