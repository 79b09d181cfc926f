"""The figures of a model that have a name: where they are in the metrics, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Better = Literal["more", "less", "nearer 0", "nearer 1"]
"""Which way a figure is better; nearer 1 is of a ratio, of which a half is as far as twice."""


def badness(value: float, better: Better) -> float:
    """A number that is less the better ``value`` is."""
    if better == "nearer 1":
        return abs(math.log(value)) if value > 0 else math.inf
    return {"more": -value, "less": value, "nearer 0": abs(value)}[better]


@dataclass(frozen=True)
class NamedFigure:
    """A figure.

    Attributes:
        name: of it, on the command line too.
        path: keys to it, from a model's metrics.
        better: which way is.
        is_accuracy: it is of the network and the recording alone, so that any change of it means something; else it
            is of the machine and the moment as well.
        decimals: worth showing.
    """

    name: str
    path: tuple[str, ...]
    better: Better
    is_accuracy: bool = True
    decimals: int = 4

    def of(self, model: Mapping[str, Any]) -> float | None:
        """Its value, None where there is none."""
        value: Any = model
        for key in self.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return float(value)

    def badness(self, value: float) -> float:
        """A number that is less the better ``value`` is."""
        return badness(value, self.better)


FIGURES = (
    *(NamedFigure(name, ("depth", name), "less") for name in ("rmse", "log_rmse", "abs_rel", "sq_rel")),
    *(NamedFigure(name, ("depth", name), "more") for name in ("delta1", "delta2", "delta3")),
    NamedFigure("bias", ("depth", "bias"), "nearer 0"),
    NamedFigure("median_ratio", ("depth", "median_ratio"), "nearer 1"),
    *(NamedFigure(name, ("segmentation", name), "more") for name in ("miou", "miou_present", "pixel_accuracy")),
    *(NamedFigure(name, ("stability", name), "less") for name in ("depth_change", "class_change")),
    NamedFigure("frames_per_second", ("speed", "frames_per_second"), "more", is_accuracy=False, decimals=1),
    NamedFigure("network_ms", ("speed", "network_ms", "median"), "less", is_accuracy=False, decimals=1),
    NamedFigure("live_rate_hz", ("live", "rate_hz"), "more", is_accuracy=False, decimals=1),
    NamedFigure("live_latency_p95_ms", ("live", "latency_ms", "p95"), "less", is_accuracy=False, decimals=1),
)
