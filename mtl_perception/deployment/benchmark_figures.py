"""The figures of a benchmark: for programs as JSON can hold them, for people as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mtl_perception.backends.choice import ONNXRUNTIME
from mtl_perception.deployment.benchmark import Benchmark, Configuration, Measured, Memory

_NONE = "-"


def figures(benchmark: Benchmark) -> dict[str, Any]:
    """What was measured and what was not, in the order asked for.

    Returns:
        ``measured``, one entry a configuration: ``model``, ``file`` and ``sha256``, ``backend``, ``provider`` (of ONNX
        Runtime, the first; else None), ``precision``, ``device``, ``open_s`` (opening and warming up; an engine is
        built before, where it can be kept), ``first_ms`` (first frame thereafter), ``network_ms`` (``median``, ``p95``,
        ``round_medians``), ``frames``, ``frames_per_second``, ``resident_mib`` and ``device_mib`` (at the most), and
        with the node ``node``: ``network_ms``, ``node_ms``, ``camera_to_results_ms``, ``ratio`` of the first two's
        medians, ``resident_mib``, ``device_mib``. ``not_measured``: the first of these up to ``precision``, and
        ``why``.
    """
    return {
        "measured": [_entry(benchmark, measured) for measured in benchmark.measured if measured.network],
        "not_measured": [
            {**_what(benchmark, configuration), "why": why} for configuration, why in benchmark.not_measured
        ],
    }


def why_not(found: Mapping[str, Any]) -> list[str]:
    """A line for each that was not measured: which, and why."""
    return [f"{e['model']} on {_library(e)} {e['precision']}: {e['why']}" for e in found["not_measured"]]


def _what(benchmark: Benchmark, configuration: Configuration) -> dict[str, Any]:
    runtime, path = configuration.runtime, configuration.model
    return {
        "model": benchmark.names[path],
        "file": path.name,
        "sha256": benchmark.sha256[path],
        "backend": runtime.backends[0],
        "provider": runtime.providers[0] if runtime.backends[0] == ONNXRUNTIME and runtime.providers else None,
        "precision": runtime.precision,
    }


def _entry(benchmark: Benchmark, measured: Measured) -> dict[str, Any]:
    opened = measured.opened
    entry = {
        **_what(benchmark, measured.configuration),
        "device": opened.device,
        "open_s": round(opened.seconds, 2),
        "first_ms": round(opened.first_ms, 3),
        "network_ms": spread(measured.network),
        "frames": sum(map(len, measured.network)),
        "frames_per_second": round(1e3 / float(np.mean(np.concatenate(measured.network))), 2),
        **_memory(measured.memory),
    }
    node = measured.node
    # Of the last block only one of the two may be there, where the measurement was broken off.
    if node and node.camera_to_results:
        entry["node"] = {
            "network_ms": spread(node.alone),
            "node_ms": spread(node.node),
            "camera_to_results_ms": spread(node.camera_to_results),
            "ratio": round(float(np.median(np.concatenate(node.node)) / np.median(np.concatenate(node.alone))), 4),
            **_memory(measured.node_memory),
        }
    return entry


def spread(blocks: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Median and 95th percentile of all, and the median of each block."""
    median, p95 = np.percentile(np.concatenate(blocks), (50, 95)).tolist()
    return {
        "median": round(median, 3),
        "p95": round(p95, 3),
        "round_medians": [round(float(np.median(block)), 3) for block in blocks],
    }


def _memory(memory: Memory) -> dict[str, float | None]:
    return {
        "resident_mib": None if memory.resident is None else round(memory.resident, 1),
        "device_mib": memory.device,
    }


def as_table(found: Mapping[str, Any]) -> str:
    """``figures`` as an aligned table, and a line for each that was not measured."""
    parts = []
    if found["measured"]:
        parts.append(_aligned([_HEAD, *map(_row, found["measured"])]))
        devices = dict.fromkeys(f"{e['backend']}: {e['device']}" for e in found["measured"])
        parts.append("\n".join(devices))
    nodes = [entry for entry in found["measured"] if "node" in entry]
    if nodes:
        parts.append(_aligned([_NODE_HEAD, *map(_node_row, nodes)]))
    if found["not_measured"]:
        parts.append("\n".join(["not measured:", *(f"  {line}" for line in why_not(found))]))
    return "\n\n".join(parts)


_HEAD = (
    "network alone",
    "backend",
    "precision",
    "first ms",
    "median ms",
    "p95 ms",
    "rounds ms",
    "frames/s",
    "memory MiB",
    "GPU MiB",
)
_NODE_HEAD = (
    "whole node",
    "backend",
    "precision",
    "network ms",
    "node ms",
    "p95 ms",
    "ratio",
    "camera to results ms",
    "memory MiB",
    "GPU MiB",
)


def _library(entry: Mapping[str, Any]) -> str:
    provider = entry["provider"]
    return f"{entry['backend']} {provider.removesuffix('ExecutionProvider')}" if provider else entry["backend"]


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    times = entry["network_ms"]
    medians = times["round_medians"]
    return (
        entry["model"],
        _library(entry),
        entry["precision"],
        f"{entry['first_ms']:.1f}",
        f"{times['median']:.1f}",
        f"{times['p95']:.1f}",
        f"{min(medians):.1f} to {max(medians):.1f}",
        f"{entry['frames_per_second']:.1f}",
        _mib(entry["resident_mib"]),
        _mib(entry["device_mib"]),
    )


def _node_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    node = entry["node"]
    return (
        entry["model"],
        _library(entry),
        entry["precision"],
        f"{node['network_ms']['median']:.1f}",
        f"{node['node_ms']['median']:.1f}",
        f"{node['node_ms']['p95']:.1f}",
        f"{node['ratio']:.3f}",
        f"{node['camera_to_results_ms']['median']:.1f}",
        _mib(node["resident_mib"]),
        _mib(node["device_mib"]),
    )


def _mib(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = 3  # the first columns are words, the others numbers
    return "\n".join(
        "  ".join(
            f"{cell:<{w}}" if i < words else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
