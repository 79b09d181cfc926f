"""Figures of a stream through the node, from when each frame went in and came out; no ROS."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

_BINS = 30
"""Most bins of the histogram."""


class Stream(Protocol):
    """What was seen of a stream, as ``node_traffic.Traffic`` is."""

    frames_in: int
    frames_out: int
    sent: Mapping[int, float]
    received: Mapping[int, float]
    age: Mapping[int, float]
    repeated: Collection[int]
    network_ms: Sequence[tuple[float, float]]

    @property
    def dropped(self) -> Mapping[str, int]:
        """Frames the node dropped, by reason."""

    def count(self, figure: str) -> int:
        """A count in the node's last word."""


def live_figures(stream: Stream) -> dict[str, Any]:
    """The figures of ``stream`` under the names that docs/recording.md explains.

    Where nothing came out, or no frame can be told from another by its stamp, the figures that need it are absent.
    """
    # Whoever only listens may miss an image that the node got.
    unheard = len(stream.received.keys() - stream.sent.keys())
    frames_in = max(stream.frames_in + unheard, stream.count("frames received"))
    figures: dict[str, Any] = {
        "frames_in": frames_in,
        "frames_out": stream.frames_out,
        "dropped": frames_in - stream.frames_out,
        "dropped_by": _dropped_by(stream, frames_in),
    }
    for name, frames, times in (
        ("rate_in_hz", stream.frames_in, stream.sent),
        ("rate_hz", stream.frames_out, stream.received),
    ):
        spread = max(times.values(), default=0.0) - min(times.values(), default=0.0)
        if spread > 0:
            figures[name] = round((frames - 1) / spread, 2)
    clear = [stamp for stamp in stream.received if stamp in stream.sent and stamp not in stream.repeated]
    if clear:
        latency = np.array([stream.received[stamp] - stream.sent[stamp] for stamp in clear]) * 1e3
        figures["latency_ms"] = _spread(latency)
        figures["latency_histogram"] = _histogram(latency)
        figures["age_ms"] = _spread(np.array([stream.age[stamp] for stamp in clear]) * 1e3)
    if stream.network_ms:
        medians, p95 = np.median(stream.network_ms, axis=0).tolist()
        figures["network_ms"] = {"median": round(medians, 2), "p95": round(p95, 2)}
    return figures


def _dropped_by(stream: Stream, frames_in: int) -> dict[str, int]:
    """Frames without a result, by where they got lost."""
    lost = {
        **stream.dropped,
        "lost on the way to the node": frames_in - stream.count("frames received"),
        "lost on the way back": stream.count("frames published") - stream.frames_out,
    }
    return {reason: count for reason, count in sorted(lost.items()) if count > 0}


def _spread(milliseconds: np.ndarray) -> dict[str, float]:
    median, p95, greatest = np.percentile(milliseconds, (50, 95, 100)).tolist()
    return {"median": round(median, 2), "p95": round(p95, 2), "max": round(greatest, 2)}


def _histogram(milliseconds: np.ndarray) -> dict[str, list]:
    """Counts in bins of one round width; the last holds all that is beyond, so that one straggler hides no shape."""
    reach = max(float(np.percentile(milliseconds, 99)), 1e-3)
    power = 10.0 ** math.floor(math.log10(reach / _BINS))
    width = next(step * power for step in (1, 2, 5, 10) if step * power * _BINS >= reach)
    edges = [round(width * i, 6) for i in range(math.ceil(reach / width) + 1)]
    counts, _ = np.histogram(np.minimum(milliseconds, edges[-1]), edges)
    return {"edges_ms": edges, "counts": counts.tolist()}
