"""Which plots the report has: errors over distance and over time, and how long frames took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.frame_lines import FrameLines
from mtl_perception.evaluation.report.plots import Plot, Series, histogram, line_plot

_BINS = 30
_FEW_STRAGGLERS = 99
"""Per cent of frames that are quicker than the last bar's upper end."""
FEW_PIXELS = 0.001
"""Ranges of distance with a smaller share of the pixels are not drawn: a handful would stretch the plot."""


def over_distance(models: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """Relative error, and how much too near or far, over true distance."""
    plots = []
    for key, title, label, scale, write in (
        ("abs_rel", "Depth error over distance", "error, % of the distance", 100, fmt.percent),
        ("bias", "Too near (below 0) or too far, over distance", "predicted less true, m", 1, fmt.signed_metres),
    ):
        drawn, words = [], []
        for place, model in enumerate(models):
            points = sorted(
                (middle, v)
                for e in _well_seen(fmt.entries(model, "depth", "by_distance"))
                if (v := fmt.figure(e, key)) is not None and (middle := _middle(e)) is not None
            )
            if points:
                drawn.append(Series(fmt.text(model, "name"), [(x, scale * y) for x, y in points], place))
                ends = [f"{write(y)} at {fmt.distance(x)}" for x, y in (points[0], points[-1])[: len(points)]]
                words.append(f"{fmt.text(model, 'name')}: {', '.join(ends)}")
        if drawn and any(len(s.points) > 1 for s in drawn):
            alt = f"{title}. {'; '.join(words)}."
            plots.append(line_plot(title, alt, "true distance, m", label, drawn, dots=True))
    return plots


def over_time(models: Sequence[Mapping[str, Any]], lines: FrameLines) -> list[Plot]:
    """Depth error and share of right pixels over the recording."""
    x_label = "seconds from the first frame" if lines.by_time else "number of the frame (stamps jump back)"
    plots = []
    for column, title, label, scale in (
        ("depth_abs_rel", "Depth error over the recording", "error, % of the distance", 100),
        ("depth_rmse", "Depth error over the recording", "rmse, m", 1),
        ("pixel_accuracy", "Classes over the recording", "pixels right, %", 100),
    ):
        drawn = []
        for place, model in enumerate(models):
            points = lines.points(fmt.text(model, "name"), column)
            if len(points) > 1:
                drawn.append(Series(fmt.text(model, "name"), [(x, scale * y) for x, y in points], place))
        if drawn and not any(title == p.title for p in plots):
            words = [f"{s.name}: {_least_and_most(s, label)}" for s in drawn]
            plots.append(line_plot(title, f"{title}. {'; '.join(words)}.", x_label, label, drawn, dots=False))
    return plots


def network_times(models: Sequence[Mapping[str, Any]], lines: FrameLines) -> list[tuple[str, Plot]]:
    """How long the network took, a histogram a model, whose last bar holds the stragglers: its name and its plot."""
    found = [(place, lines.values(fmt.text(m, "name"), "network_ms")) for place, m in enumerate(models)]
    found = [(place, values) for place, values in found if values.size > 1]
    if not found:
        return []
    begin = min(float(values.min()) for _, values in found)
    end = max(float(np.percentile(values, _FEW_STRAGGLERS)) for _, values in found)
    edges = np.linspace(begin, max(end, begin + 1), _BINS + 1)
    counted = [_Counted(place, edges, np.histogram(values.clip(max=edges[-1]), edges)[0]) for place, values in found]
    return _histograms("Network time", models, counted)


def live_latencies(models: Sequence[Mapping[str, Any]]) -> list[tuple[str, Plot]]:
    """How long results took, live, a histogram a model, whose last bar holds the stragglers: its name and its plot."""
    counted = []
    for place, model in enumerate(models):
        edges, counts = (fmt.part(model, "live", "latency_histogram", key) for key in ("edges_ms", "counts"))
        is_one = isinstance(edges, Sequence) and isinstance(counts, Sequence) and len(edges) == len(counts) + 1
        if is_one and any(counts):
            counted.append(_Counted(place, np.asarray(edges, float), np.asarray(counts, float)))
    return _histograms("Live latency", models, counted)


@dataclass(frozen=True)
class _Counted:
    """Frames of the model at ``place``: ``counts`` (N) between ``edges`` (N + 1), milliseconds."""

    place: int
    edges: np.ndarray
    counts: np.ndarray

    def used(self) -> tuple[float, float]:
        """From the first to the last bin that is not empty."""
        used = np.flatnonzero(self.counts)
        return float(self.edges[used[0]]), float(self.edges[used[-1] + 1])


def _histograms(what: str, models: Sequence[Mapping[str, Any]], counted: Sequence[_Counted]) -> list[tuple[str, Plot]]:
    """A plot for each model, all on one scale of times, without empty ends."""
    spans = [c.used() for c in counted]
    span = min((begin for begin, _ in spans), default=0.0), max((end for _, end in spans), default=1.0)
    plots = []
    for one, (begin, end) in zip(counted, spans, strict=True):
        fullest = int(one.counts.argmax())
        low, high = one.edges[fullest : fullest + 2]
        alt = (
            f"{what}: {one.counts.sum():,.0f} frames between {fmt.milliseconds(begin)} and {fmt.milliseconds(end)}, "
            f"most of them between {fmt.milliseconds(low)} and {fmt.milliseconds(high)}."
        )
        plot = histogram(what, alt, "milliseconds", one.edges.tolist(), one.counts.tolist(), span, one.place)
        plots.append((fmt.text(models[one.place], "name"), plot))
    return plots


def _well_seen(bins: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of ``bins`` with enough pixels to be drawn."""
    least = FEW_PIXELS * sum(fmt.figure(e, "pixels") or 0 for e in bins)
    return [e for e in bins if (pixels := fmt.figure(e, "pixels")) and pixels >= least]


def _middle(entry: Mapping[str, Any]) -> float | None:
    """The middle of a range of distances; None of one without an end."""
    start, end = fmt.figure(entry, "from"), fmt.figure(entry, "to")
    return None if start is None or end is None else (start + end) / 2


def _least_and_most(series: Series, label: str) -> str:
    values = [y for _, y in series.points]
    return f"{min(values):.3g} to {max(values):.3g} ({label})"
