"""Two measurements side by side: what got better and what worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mtl_perception.evaluation.named_figures import FIGURES, NamedFigure


@dataclass(frozen=True)
class Row:
    """A line of the table: a figure before and after; ``verdict`` is empty where none can be given."""

    name: str
    before: str
    after: str
    difference: str
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Two models' figures.

    Attributes:
        title: what is compared.
        rows: of the table.
        warnings: why the comparison may mean less than it seems, one line each.
        worse: how many figures of the network itself got worse, those of classes and distances not counted.
    """

    title: str
    rows: list[Row]
    warnings: list[str]
    worse: int


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Comparison]:
    """Compare models of one name, or else the first model of each; metrics as ``read_metrics`` gives them."""
    theirs = {model["name"]: model for model in after["models"]}
    pairs = [(model, theirs[model["name"]]) for model in before["models"] if model["name"] in theirs]
    warnings = list(_warnings(before, after))
    return [_compared(one, other, warnings) for one, other in pairs or [(before["models"][0], after["models"][0])]]


def as_text(comparison: Comparison) -> str:
    """The table, its warnings before it."""
    header = Row(comparison.title, "before", "after", "difference", "")
    rows = [header, *comparison.rows]
    widths = [max(len(getattr(row, key)) for row in rows) for key in ("name", "before", "after", "difference")]
    name, *numbers = widths
    lines = [f"note: {warning}" for warning in comparison.warnings]
    for row in rows:
        cells = zip((row.before, row.after, row.difference), numbers, strict=True)
        figures = "  ".join(cell.rjust(width) for cell, width in cells)
        lines.append(f"{row.name:<{name}}  {figures}  {row.verdict}".rstrip())
    return "\n".join(lines)


def _compared(before: Mapping[str, Any], after: Mapping[str, Any], warnings: list[str]) -> Comparison:
    rows, worse = [], 0
    for figure in FIGURES:
        row = _row(figure, figure.name, before, after)
        if row is not None:
            rows.append(row)
            worse += figure.is_accuracy and row.verdict == "worse"
    rows += _distances(before, after)
    rows += _classes(before, after)
    names = [str(before["name"]), str(after["name"])]
    title = names[0] if names[0] == names[1] else " -> ".join(names)
    return Comparison(title, rows, warnings, worse)


def _row(figure: NamedFigure, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Row | None:
    one, other = figure.of(before), figure.of(after)
    if one is None and other is None:
        return None
    shown = ["-" if value is None else f"{value:.{figure.decimals}f}" for value in (one, other)]
    if one is None or other is None:
        return Row(name, *shown, "", "")
    # What is not seen to differ does not: rounding is no change for the worse.
    verdict = "same"
    if shown[0] != shown[1]:
        verdict = "worse" if figure.badness(other) > figure.badness(one) else "better"
    return Row(name, *shown, f"{other - one:+.{figure.decimals}f}", verdict)


def _distances(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Row]:
    tables = [{(r["from"], r["to"]): r for r in m.get("depth", {}).get("by_distance", [])} for m in (before, after)]
    figure = NamedFigure("rmse", ("rmse",), "less")
    for near, far in sorted(tables[0].keys() | tables[1].keys()):
        one, other = (table.get((near, far), {}) for table in tables)
        row = _row(figure, f"rmse from {near:g} to {far:g} m", one, other)
        if row is not None:
            yield row


def _classes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Row]:
    tables = [{r["name"]: r for r in m.get("segmentation", {}).get("classes", [])} for m in (before, after)]
    figure = NamedFigure("iou", ("iou",), "more")
    for name in dict.fromkeys([*tables[0], *tables[1]]):
        row = _row(figure, f"iou of {name}", tables[0].get(name, {}), tables[1].get(name, {}))
        if row is not None:
            yield row


def _warnings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for which, metrics in (("before", before), ("after", after)):
        if not metrics["complete"]:
            yield f"{which} is of a part of the recording: {metrics.get('stopped_by') or 'not complete'}"
    one, other = before["bag"], after["bag"]
    for key in ("name", "frames", "with_depth", "with_labels", "size"):
        if one.get(key) != other.get(key):
            yield f"not the same recording or truth: {key} is {one.get(key)} before and {other.get(key)} after"
    if before["made"].get("machine") != after["made"].get("machine"):
        yield "on two machines, so times do not compare"
