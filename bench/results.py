"""Where figures are kept: ``bench.json`` for programs, ``bench.md`` for people."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench.figure import Figure, Row
from mtl_perception.json_file import write_json
from mtl_perception.machine import installed, load_average, machine
from training.results_page import write_page

_PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "openvino",
    "ros-jazzy-rclpy",
    "ros-jazzy-rmw-fastrtps-cpp",
)


def conditions(command: str, network: str) -> dict[str, Any]:
    """When, where and with what is measured; ``command`` and ``network`` in words."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "network": network,
        "machine": machine(),
        "load_average": load_average(),
        "versions": {"python": platform.python_version(), **installed(_PACKAGES)},
    }


def add(folder: Path, name: str, values: dict[str, Any], under: dict[str, Any]) -> dict[str, Any]:
    """Put the values of figure ``name``, measured ``under`` conditions, into ``bench.json``; all it then holds."""
    path = folder / "bench.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[name] = {"conditions": under, "values": values}
    write_json(path, kept)
    return kept


def write_table(folder: Path, kept: Mapping[str, Any], figures: Mapping[str, Figure]) -> None:
    """Write ``bench.md`` of the figures that ``kept`` holds; what people wrote at its end stays."""
    lines = ["# Figures of the node", "", "Written by `python -m bench`; goals are those of the project.", ""]
    for name, figure in figures.items():
        if name in kept:
            lines += _section(figure, kept[name]["values"], kept[name]["conditions"])
    write_page(folder / "bench.md", "\n".join(lines))


def _section(figure: Figure, values: dict[str, Any], under: dict[str, Any]) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in under["versions"].items())
    lines = [f"## {figure.title}", "", figure.how, "", "| | measured | goal |", "|---|---|---|"]
    lines += [f"| {row.what} | {row.value} | {goal(row)} |" for row in figure.rows(values)]
    if figure.picture:
        lines += ["", f"![{figure.title}]({figure.picture})"]
    lines += [
        "",
        f"`{under['command']}`, {under['date']}; network {under['network']}; {under['machine']}; load average at the "
        f"start {under['load_average']:.2f}; {versions}.",
        "",
    ]
    return lines


def goal(row: Row) -> str:
    """The goal of ``row`` and whether it was met."""
    return f"{row.goal}: {'met' if row.met else 'MISSED'}" if row.goal else ""
