"""The figures of quantisation as a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_perception.deployment.conditions import as_text

MOST_MIOU_LOST = 0.005
MOST_RMSE_GAINED = 0.01
"""Relative."""
MOST_TIME = 0.45
"""Of the best on a CPU over ONNX Runtime in float32."""
_FIGURES = ("miou", "pixel_accuracy", "rmse", "abs_rel")


def page(how: str, content: Mapping[str, Any], chosen: str) -> tuple[str, bool]:
    """The page, and whether every goal is met.

    Args:
        how: what was done, for its beginning; its first line is for programmers and left out.
        content: as ``bench.quantization`` writes it.
        chosen: which variant the goals are for.
    """
    plain = content["accuracy"]["float"]["onnxruntime"]
    lines = ["# 8-bit integers and half precision", "", *(line for line in how.splitlines()[2:] if line), ""]
    lines += [f"## Accuracy of {content['network']} on {content['frames']} frames", ""]
    lines += ["| network | computed by | mIoU | pixel accuracy | rmse, m | abs rel |", "|---|---|---|---|---|---|"]
    for name, by_path in content["accuracy"].items():
        for path, values in by_path.items():
            lines.append(f"| {name} | {path} | {' | '.join(_cell(values, plain, f) for f in _FIGURES)} |")
    times = content["times"]["milliseconds"]
    variant, path, ratio = _best(content, chosen)
    found = content["accuracy"][variant][path]
    goals = (
        (f"mIoU lost: {100 * _lost(found, plain):.2f} points", f"{100 * MOST_MIOU_LOST:g}", _keeps_miou(found, plain)),
        (f"rmse grown by {_gained(found, plain):.2%}", f"{MOST_RMSE_GAINED:.0%}", _keeps_rmse(found, plain)),
        (f"{ratio:.2f} of the time of ONNX Runtime in float32", f"{MOST_TIME:g}", ratio <= MOST_TIME),
    )
    lines += [
        "",
        f"Fastest of float and the chosen integers, of those that keep the accuracy: `{variant}` with {path}:",
        "",
        "| measured | goal |",
        "|---|---|",
    ]
    lines += [f"| {what} | {limit}: {'met' if is_met else 'MISSED'} |" for what, limit, is_met in goals]
    lines += ["", "## Time", ""]
    lines += [
        "| network | arithmetic | computed by | median, ms | p95, ms | over ONNX Runtime float |",
        "|---|---|---|---|---|---|",
    ]
    for network, by_kind in times.items():
        base = by_kind["float"]["onnxruntime"]["median"]
        for kind in ("float", "int8"):
            for path, spread in by_kind[kind].items():
                row = (f"{spread['median']:.1f}", f"{spread['p95']:.1f}", f"{spread['median'] / base:.2f}")
                lines.append(f"| {network} | {kind} | {path} | {' | '.join(row)} |")
    loads = ", ".join(f"{name} {by_kind['load_average']}" for name, by_kind in times.items())
    lines += ["", f"Load average after the turns: {loads}."]
    for what, under in (("accuracy", content["conditions"]), ("times", content["times"]["conditions"])):
        lines += ["", f"`{under['command']}`, {under['time']}: {what}", "", "```", as_text(under), "```"]
    return "\n".join(lines) + "\n", all(is_met for _, _, is_met in goals)


def _cell(values: Mapping[str, float], plain: Mapping[str, float], figure: str) -> str:
    if figure not in values:
        return ""
    return f"{values[figure]:.4f}" + (f" ({values[figure] - plain[figure]:+.4f})" if values is not plain else "")


def _best(content: Mapping[str, Any], chosen: str) -> tuple[str, str, float]:
    """The fastest variant and path, of those that keep the accuracy if any does, and their share of the time."""
    times = content["times"]["milliseconds"][content["network"]]
    plain = content["accuracy"]["float"]["onnxruntime"]
    rivals = []
    for variant, kind in (("float", "float"), (chosen, "int8")):
        for path, spread in times[kind].items():
            # With --times the accuracy may be of a machine that lacks a path.
            found = content["accuracy"][variant].get(path)
            if found and found is not plain:
                is_kept = _keeps_miou(found, plain) and _keeps_rmse(found, plain)
                rivals.append((not is_kept, spread["median"], variant, path))
    _, median, variant, path = min(rivals)
    return variant, path, median / times["float"]["onnxruntime"]["median"]


def _lost(found: Mapping[str, float], plain: Mapping[str, float]) -> float:
    return plain["miou"] - found["miou"]


def _gained(found: Mapping[str, float], plain: Mapping[str, float]) -> float:
    return found["rmse"] / plain["rmse"] - 1


def _keeps_miou(found: Mapping[str, float], plain: Mapping[str, float]) -> bool:
    return _lost(found, plain) <= MOST_MIOU_LOST


def _keeps_rmse(found: Mapping[str, float], plain: Mapping[str, float]) -> bool:
    return _gained(found, plain) <= MOST_RMSE_GAINED
