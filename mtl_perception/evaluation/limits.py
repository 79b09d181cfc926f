"""Limits that figures must keep to, as continuous integration wants them: ``--fail-under miou=0.5``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_perception.evaluation.named_figures import FIGURES, NamedFigure

UNDER, OVER = "--fail-under", "--fail-over"
_OPTIONS = {"more": UNDER, "less": OVER}
_BY_NAME = {figure.name: figure for figure in FIGURES if figure.better in _OPTIONS}


@dataclass(frozen=True)
class Limit:
    """The worst value that will do."""

    figure: NamedFigure
    value: float

    @property
    def option(self) -> str:
        """On the command line."""
        return f"{_OPTIONS[self.figure.better]} {self.figure.name}={self.value:g}"


@dataclass(frozen=True)
class Verdict:
    """Whether a limit was kept: ``met`` is None where there is no such figure; ``text`` says it in a line."""

    met: bool | None
    text: str


def names_of(option: str) -> list[str]:
    """Figures that ``option`` can be given for."""
    return [name for name, figure in _BY_NAME.items() if _OPTIONS[figure.better] == option]


def parse_limit(option: str, text: str) -> Limit:
    """The limit that ``option text`` asks for.

    Raises:
        argparse.ArgumentTypeError: there is no such figure, it belongs to the other option, or the limit is no number.
    """
    name, _, number = text.partition("=")
    figure = _BY_NAME.get(name.strip())
    if figure is None:
        raise argparse.ArgumentTypeError(f"there is no figure {name!r}; there are: {', '.join(names_of(option))}")
    if _OPTIONS[figure.better] != option:
        way, instead = ("less", OVER) if option == UNDER else ("more", UNDER)
        raise argparse.ArgumentTypeError(f"{way} {name} is better: say {instead} {text}")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIGURE=NUMBER, such as {name}=0.5")
    return Limit(figure, value)


def verdicts(limits: Sequence[Limit], model: Mapping[str, Any]) -> list[Verdict]:
    """What became of each limit, in the metrics of one model; a value on the limit keeps to it."""
    found = []
    for limit in limits:
        figure, value = limit.figure, limit.figure.of(model)
        if value is None:
            found.append(Verdict(None, f"{figure.name} was not measured, so {limit.option} cannot be judged"))
            continue
        met = figure.badness(value) <= figure.badness(limit.value)
        shown = f"{figure.name} is {value:.{figure.decimals}f}"
        found.append(Verdict(met, f"{shown}: {'as good as' if met else 'worse than'} {limit.option}"))
    return found
