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
    lines = ["# 8-bit integers", "", *(line for line in how.splitlines()[2:] if line), ""]
    lines += [f"## Accuracy of {content['network']} on {content['frames']} frames", ""]
    lines += ["| quantised | computed by | mIoU | pixel accuracy | rmse, m | abs rel |", "|---|---|---|---|---|---|"]
    for name, by_library in content["accuracy"].items():
        for library, values in by_library.items():
            lines.append(f"| {name} | {library} | {' | '.join(_cell(values, plain, f) for f in _FIGURES)} |")
    times = content["times"]["milliseconds"]
    library, ratio = _best(times[content["network"]])
    found = content["accuracy"][chosen][library]
    lost, gained = plain["miou"] - found["miou"], found["rmse"] / plain["rmse"] - 1
    goals = (
        (f"mIoU lost: {100 * lost:.2f} points", f"{100 * MOST_MIOU_LOST:g}", lost <= MOST_MIOU_LOST),
        (f"rmse grown by {gained:.2%}", f"{MOST_RMSE_GAINED:.0%}", gained <= MOST_RMSE_GAINED),
        (f"{ratio:.2f} of the time of ONNX Runtime in float32", f"{MOST_TIME:g}", ratio <= MOST_TIME),
    )
    lines += [
        "",
        f"Of the chosen, `{chosen}`, with {library}, where it is the fastest:",
        "",
        "| measured | goal |",
        "|---|---|",
    ]
    lines += [f"| {what} | {limit}: {'met' if is_met else 'MISSED'} |" for what, limit, is_met in goals]
    lines += ["", "## Time", ""]
    lines += [
        "| network | arithmetic | library | median, ms | p95, ms | over ONNX Runtime float |",
        "|---|---|---|---|---|---|",
    ]
    for network, by_kind in times.items():
        base = by_kind["float"]["onnxruntime"]["median"]
        for kind in ("float", "int8"):
            for library, spread in by_kind[kind].items():
                row = (f"{spread['median']:.1f}", f"{spread['p95']:.1f}", f"{spread['median'] / base:.2f}")
                lines.append(f"| {network} | {kind} | {library} | {' | '.join(row)} |")
    loads = ", ".join(f"{name} {by_kind['load_average']}" for name, by_kind in times.items())
    lines += ["", f"Load average after the turns: {loads}."]
    for what, under in (("accuracy", content["conditions"]), ("times", content["times"]["conditions"])):
        lines += ["", f"`{under['command']}`, {under['time']}: {what}", "", "```", as_text(under), "```"]
    return "\n".join(lines) + "\n", all(is_met for _, _, is_met in goals)


def _cell(values: Mapping[str, float], plain: Mapping[str, float], figure: str) -> str:
    if figure not in values:
        return ""
    return f"{values[figure]:.4f}" + (f" ({values[figure] - plain[figure]:+.4f})" if values is not plain else "")


def _best(times: Mapping[str, Any]) -> tuple[str, float]:
    """The library that runs the quantised network fastest, and its time over the float network's in ONNX Runtime."""
    library, spread = min(times["int8"].items(), key=lambda item: item[1]["median"])
    return library, spread["median"] / times["float"]["onnxruntime"]["median"]
