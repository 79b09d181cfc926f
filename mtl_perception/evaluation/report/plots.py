"""Plots as the page's template draws them: scales, ticks, and where lines and bars go, in units of the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 520, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 44
_MOST_STYLES = 6


@dataclass(frozen=True)
class Series:
    """A line to draw: ``points`` x, y, of the model at place ``style`` among the models."""

    name: str
    points: Sequence[tuple[float, float]]
    style: int


@dataclass(frozen=True)
class Tick:
    """A mark of a scale: where, and its number."""

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    """A drawn line: its points as SVG wants them, the dots to draw on it, and the ``style`` of its model."""

    name: str
    points: str
    dots: tuple[tuple[float, float], ...]
    style: int


@dataclass(frozen=True)
class Bar:
    """A drawn bar: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Plot:
    """A plot: what it says (``title``, and ``alt`` in words for those who cannot see it), scales, curves, bars.

    Attributes:
        zero: height of the line y = 0 where it is not the lower end of the scale, else None.
    """

    title: str
    alt: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    curves: tuple[Curve, ...] = ()
    bars: tuple[Bar, ...] = ()
    style: int = 0
    zero: float | None = None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def line_plot(title: str, alt: str, x_label: str, y_label: str, series: Sequence[Series], *, dots: bool) -> Plot:
    """Lines over one x; both scales begin at 0, or below where a value is."""
    xs = [x for s in series for x, _ in s.points]
    ys = [y for s in series for _, y in s.points]
    x_scale = _Scale(min(0.0, *xs), max(xs), _LEFT, WIDTH - _RIGHT, snap=False)
    y_scale = _Scale(min(0.0, *ys), max(0.0, *ys), HEIGHT - _BOTTOM, _TOP)
    curves = []
    for s in series:
        places = tuple((x_scale(x), y_scale(y)) for x, y in s.points)
        points = " ".join(f"{x:g},{y:g}" for x, y in places)
        curves.append(Curve(s.name, points, places if dots or len(places) == 1 else (), s.style % _MOST_STYLES))
    return Plot(
        title,
        alt,
        x_label,
        y_label,
        x_scale.ticks(),
        y_scale.ticks(),
        tuple(curves),
        zero=y_scale(0.0) if y_scale.low < 0 else None,
    )


def histogram(
    title: str,
    alt: str,
    x_label: str,
    edges: Sequence[float],
    counts: Sequence[float],
    span: tuple[float, float],
    style: int,
) -> Plot:
    """Bars of ``counts`` (N) between ``edges`` (N + 1, ascending), where x goes over ``span`` only."""
    x_scale = _Scale(*span, _LEFT, WIDTH - _RIGHT, snap=False)
    y_scale = _Scale(0.0, max(counts), HEIGHT - _BOTTOM, _TOP)
    bars = []
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        if count:
            x, y = x_scale(left), y_scale(count)
            bars.append(Bar(x, y, max(round(x_scale(right) - x, 2), 0.5), round(HEIGHT - _BOTTOM - y, 2)))
    return Plot(
        title, alt, x_label, "frames", x_scale.ticks(), y_scale.ticks(), bars=tuple(bars), style=style % _MOST_STYLES
    )


class _Scale:
    """From values to places; ``snap`` moves the ends outwards to whole ticks."""

    def __init__(self, low: float, high: float, start: float, end: float, *, snap: bool = True) -> None:
        if high <= low:
            high = low + (abs(low) or 1.0)
        self.step = _round_step((high - low) / 5)
        if snap:
            low, high = math.floor(low / self.step) * self.step, math.ceil(high / self.step - 1e-9) * self.step
        self.low, self.high, self._start, self._end = low, high, start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self._start + share * (self._end - self._start), 2)

    def ticks(self) -> tuple[Tick, ...]:
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return tuple(
            Tick(self(i * self.step), f"{i * self.step:,.{digits}f}".replace("-", "\N{MINUS SIGN}"))
            for i in range(first, last + 1)
        )


def _round_step(step: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below ``step``."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= step * (1 - 1e-9))
