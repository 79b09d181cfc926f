"""The figures of ``bench.inference`` for people: tables, and whether the goals are met."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from bench.figure import Row, median_and_p95
from bench.results import goal

TORCH, ONNX = "torch eager", "onnxruntime"
MOST_OF_TORCH = 0.5
"""Largest median of ONNX Runtime over that of eager torch on the same network."""
MOST_OF_NETWORK = 1.05
"""Largest median of the whole node over that of its network."""
MOST_OF_FIRST = 1.5
"""Largest time of the first frame after warm-up over the median of the others; median of the starts."""


def rows(values: Mapping[str, Any]) -> list[Row]:
    """Rows of the table of one network."""
    times = values["ms"]
    table = [Row(name, median_and_p95(each)) for name, each in times.items()]
    for name, each in times.items():
        if name != TORCH:
            ratio = each["median"] / times[TORCH]["median"]
            wanted = f"at most {MOST_OF_TORCH:g}" if name == ONNX else ""
            table.append(
                Row(f"{name} over {TORCH}", f"{ratio:.3f}", wanted, ratio <= MOST_OF_TORCH if wanted else None)
            )
    for library, ratios in values["first_over_median"].items():
        middle = median(ratios)
        table.append(
            Row(
                f"{library}: first frame after warm-up over the median",
                f"{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} starts)",
                f"at most {MOST_OF_FIRST:g}",
                middle <= MOST_OF_FIRST,
            )
        )
    for library, node in values["node"].items():
        table.append(
            Row(
                f"{library}: whole node over its network",
                f"{node['ratio']:.3f} ({node['added_ms']:+.2f} ms to {node['network_ms']['median']:.2f} ms)",
                f"at most {MOST_OF_NETWORK:g}",
                node["ratio"] <= MOST_OF_NETWORK,
            )
        )
    return table


def page(how: str, content: Mapping[str, Any]) -> str:
    """All of ``content``, networks by name, as Markdown; ``how`` was measured, its first line a title."""
    lines = ["# Inference on a processor", "", *(line for line in how.splitlines()[2:] if line), ""]
    for name, values in content.items():
        lines += [f"## {name}: {values['what']}", "", "| | measured | goal |", "|---|---|---|"]
        lines += [f"| {row.what} | {row.value} | {goal(row)} |" for row in rows(values)]
        lines += ["", *(f"Not measured: {rival}: {why}." for rival, why in values["not_measured"].items())]
        if "session_options" in values:
            lines += _session_options(values["session_options"])
        under = values["conditions"]
        versions = ", ".join(f"{package} {version}" for package, version in under["versions"].items())
        lines += [
            f"`{under['command']}`, {under['time']}; {under['machine']}; load average at the start "
            f"{under['load_average']:.2f}; {versions}.",
            "",
        ]
    return "\n".join([*lines, ""])


def _session_options(found: Mapping[str, Any]) -> list[str]:
    lines = [
        "Options of the ONNX Runtime session, `session.run` with a pause of 10 ms after each frame, in turns:",
        "",
        "| | frame | processor time a frame, pause included |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {median_and_p95(v['ms'])} | {v['processor_ms']:.1f} ms |" for name, v in found.items()]
    return [*lines, ""]
