"""Where depth and classes are good and bad: tables over distance and over classes, the models side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_perception.evaluation.named_figures import Better, badness
from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.table import Cell, Row, Table, mark_best

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class _Column:
    """A figure: heading, key, writing, which way it is better, and whether it is a share to be drawn as a bar."""

    title: str
    key: str
    write: Callable[[float], str]
    better: Better
    bar: bool = False


_OF_DISTANCES = (
    _Column("abs rel", "abs_rel", fmt.percent, "less"),
    _Column("rmse", "rmse", fmt.metres, "less"),
    _Column("bias", "bias", fmt.signed_metres, "nearer 0"),
    _Column("delta 1", "delta1", fmt.percent, "more"),
)
_OF_CLASSES = tuple(
    _Column(title, title.lower(), fmt.percent, "more", bar=True) for title in ("IoU", "precision", "recall")
)


def by_distance(models: Sequence[Entry]) -> Table | None:
    """Depth errors by true distance, nearest first; None where no model has any."""
    found = [(m, {_limits(e): e for e in fmt.entries(m, "depth", "by_distance")}) for m in models]
    found = [(m, bins) for m, bins in found if bins]
    columns = _OF_DISTANCES if len(found) == 1 else _OF_DISTANCES[:3]  # So that the table fits the page.
    return _table("Depth by true distance", "true distance", columns, found, _in_order, _text)


def by_class(models: Sequence[Entry]) -> Table | None:
    """IoU, precision and recall of each class that occurs, most pixels first; None where no model has any."""
    found = [(m, {n: c for n, c in named_classes(m).items() if fmt.figure(c, "pixels") != 0}) for m in models]
    return _table("Each class", "class", _OF_CLASSES, [f for f in found if f[1]], _by_pixels, str)


def never_there(model: Entry) -> list[str]:
    """Classes that the model gave to pixels, and that never occur."""
    return [n for n, c in named_classes(model).items() if fmt.figure(c, "pixels") == 0 and "iou" in c]


def named_classes(model: Entry) -> dict[str, Entry]:
    """What is told of each class, by its name; two classes of one name stay apart by their ids."""
    classes = fmt.entries(model, "segmentation", "classes")
    times = Counter(fmt.text(c, "name") for c in classes)
    return {(n if times[n := fmt.text(c, "name")] == 1 else f"{n} ({fmt.text(c, 'id')})"): c for c in classes}


def class_colors(model: Entry) -> dict[int, tuple[int, int, int]]:
    """Colours of class ids that the model's card gives, 0..255."""
    colors = {}
    for entry in fmt.entries(model, "card", "classes"):
        i, color = entry.get("id"), entry.get("color")
        is_color = isinstance(color, list | tuple) and len(color) == 3 and all(type(v) is int for v in color)
        if type(i) is int and 0 < i < 255 and is_color:
            colors[i] = tuple(min(max(v, 0), 255) for v in color)
    return colors


def distances(start: float, end: float | None) -> str:
    """A range of distances, metres; no ``end``: all that is farther."""
    return f"from {fmt.distance(start)}" if end is None else f"{start:g} to {fmt.distance(end)}"


def _table(
    caption: str,
    of: str,
    columns: Sequence[_Column],
    found: Sequence[tuple[Entry, Mapping[Any, Entry]]],
    order: Callable[[Mapping[Any, float]], list[Any]],
    write: Callable[[Any], str],
) -> Table | None:
    """A row for each thing that ``found``'s models tell of: its share of pixels, then each figure, a model a column."""
    pixels = {
        thing: max(fmt.figure(entries.get(thing), "pixels") or 0 for _, entries in found)
        for thing in dict.fromkeys(t for _, entries in found for t in entries)
        if any(_has_figures(entries.get(thing), columns) for _, entries in found)
    }
    total = sum(pixels.values())
    rows = []
    for thing in order(pixels):
        cells = [Cell(fmt.percent(pixels[thing] / total) if pixels[thing] else fmt.ABSENT)]
        for column in columns:
            values = [fmt.figure(entries.get(thing), column.key) for _, entries in found]
            texts = [fmt.ABSENT if v is None else column.write(v) for v in values]
            bars = [None if v is None or not column.bar else min(max(v, 0.0), 1.0) for v in values]
            losses = [None if v is None else badness(v, column.better) for v in values]
            cells += mark_best([Cell(t, b) for t, b in zip(texts, bars, strict=True)], losses)
        rows.append(Row(write(thing), tuple(cells), _color(found, thing)))
    if not rows:
        return None
    names = [fmt.text(m, "name") for m, _ in found]
    several = len(names) > 1
    spans = (("", 2), *((c.title, len(names)) for c in columns)) if several else ()
    headings = names * len(columns) if several else [c.title for c in columns]
    return Table(caption, (of, "share of pixels", *headings), (("", tuple(rows)),), spans)


def _has_figures(entry: Entry | None, columns: Sequence[_Column]) -> bool:
    """Whether there is anything to tell."""
    return any(fmt.figure(entry, column.key) is not None for column in columns)


def _color(found: Sequence[tuple[Entry, Mapping[Any, Entry]]], thing: Any) -> tuple[int, int, int] | None:
    """The first colour that a model's card gives the class."""
    colors = (class_colors(m).get(entries.get(thing, {}).get("id")) for m, entries in found)
    return next((c for c in colors if c), None)


def _by_pixels(pixels: Mapping[str, float]) -> list[str]:
    return sorted(pixels, key=lambda name: -pixels[name])


def _in_order(pixels: Mapping[tuple[float, float | None], float]) -> list[tuple[float, float | None]]:
    return sorted(pixels, key=lambda p: (p[0], float("inf") if p[1] is None else p[1]))


def _limits(entry: Entry) -> tuple[float, float | None]:
    return fmt.figure(entry, "from") or 0.0, fmt.figure(entry, "to")


def _text(limits: tuple[float, float | None]) -> str:
    return distances(*limits)
