"""What a model's depth is worth, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.breakdown import distances
from mtl_perception.evaluation.report.tile import Tile

_WORTH_A_WORD = 0.02
"""Scale errors below are no news."""
_SLOPE_WORTH_A_WORD = 0.05
"""Share of the distance."""
_LOOK_AT_FOCAL_LENGTH = 0.1
_FEW_PIXELS = 0.01
"""Ranges of distance with a smaller share of the pixels do not make a verdict."""


def depth_tile(model: Mapping[str, Any]) -> Tile:
    """How far off depth is, where, and whether all of it; without truth, how much it changes and differs."""
    error = fmt.figure(model, "depth", "abs_rel")
    if error is None:
        return _unknown(model)
    lines = []
    bins = [e for e in fmt.entries(model, "depth", "by_distance") if fmt.figure(e, "pixels")]
    pixels = sum(fmt.figure(e, "pixels") or 0 for e in bins)
    bins = [e for e in bins if fmt.figure(e, "pixels") >= _FEW_PIXELS * pixels and fmt.figure(e, "from") is not None]
    if usual := max(bins, key=lambda e: fmt.figure(e, "pixels"), default=None):
        if (rmse := fmt.figure(usual, "rmse")) is not None:
            lines.append(f"Most often seen, at {_range(usual)}: {fmt.length(rmse)} rmse.")
        worst = max(bins, key=lambda e: fmt.figure(e, "abs_rel") or 0)
        if worst is not usual and fmt.figure(worst, "abs_rel"):
            lines.append(f"Worst at {_range(worst)}: {fmt.percent(fmt.figure(worst, 'abs_rel'))} off.")
        lines += _slope(min(bins, key=_middle), max(bins, key=_middle))
    elif (rmse := fmt.figure(model, "depth", "rmse")) is not None:
        lines.append(f"{fmt.length(rmse)} rmse over all distances.")
    lines += _scale(fmt.figure(model, "depth", "median_ratio"))
    if (within := fmt.figure(model, "depth", "delta1")) is not None:
        lines.append(f"{fmt.whole_percent(within)} of pixels are within a factor of 1.25 of the truth.")
    return Tile("Depth", f"{fmt.percent(error)} off on average", tuple(lines))


def _slope(nearest: Mapping[str, Any], farthest: Mapping[str, Any]) -> list[str]:
    """What a scale does not tell: errors of opposite sign near and far."""
    near, far = ((fmt.figure(e, "bias") or 0.0) / (_middle(e) or 1.0) for e in (nearest, farthest))
    if min(abs(near), abs(far)) < _SLOPE_WORTH_A_WORD or (near > 0) == (far > 0):
        return []
    return [f"Near things read too {'far' if near > 0 else 'near'}, far things too {'far' if far > 0 else 'near'}."]


def _middle(entry: Mapping[str, Any]) -> float:
    start = fmt.figure(entry, "from") or 0.0
    return (start + (fmt.figure(entry, "to") or start)) / 2


def _scale(ratio: float | None) -> list[str]:
    if ratio is None:
        return []
    if abs(ratio - 1) < _WORTH_A_WORD:
        return [f"Overall scale is right to {fmt.whole_percent(_WORTH_A_WORD)}."]
    side = "near" if ratio < 1 else "far"
    lines = [f"On the whole it reads {fmt.percent(abs(ratio - 1))} too {side} (median)."]
    if abs(ratio - 1) > _LOOK_AT_FOCAL_LENGTH:
        lines.append("Look at the focal length first: a wrong or missing one scales all depth.")
    return lines


def _unknown(model: Mapping[str, Any]) -> Tile:
    lines = ["No true depth: nothing here says whether depth is right."]
    if (change := fmt.figure(model, "stability", "depth_change")) is not None:
        lines.append(f"It changes by {fmt.percent(change)} from frame to frame (median).")
    if (apart := fmt.figure(model, "agreement", "depth_abs_rel")) is not None:
        lines.append(f"It differs by {fmt.percent(apart)} from that of {fmt.first_model(model)}.")
    return Tile("Depth", "Not measured", tuple(lines), known=False)


def _range(entry: Mapping[str, Any]) -> str:
    return distances(fmt.figure(entry, "from") or 0.0, fmt.figure(entry, "to"))
