"""How fast a model is, in a few words: its network, and the node that was played to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.tile import Tile

NETWORK_RATE = ("speed", "network_alone_frames_per_second")
"""Where the rate is that is a model's own; that of the whole evaluation is of all its networks together."""


def speed_tile(model: Mapping[str, Any], bag: Mapping[str, Any]) -> Tile | None:
    """How fast the network is, beside the recording; None where it was not timed."""
    rate = fmt.figure(model, *NETWORK_RATE)
    if rate is None:
        return None
    lines = []
    median, p95 = (fmt.figure(model, "speed", "network_ms", k) for k in ("median", "p95"))
    if median is not None:
        most = f", 95 of 100 within {fmt.milliseconds(p95)}" if p95 is not None else ""
        lines.append(f"Network: {fmt.milliseconds(median)} median{most}.")
    frames, seconds = fmt.figure(bag, "frames"), fmt.figure(bag, "seconds")
    if frames and seconds and frames > 1:
        recorded = (frames - 1) / seconds
        words = "Faster than" if rate >= recorded else "Too slow for"
        lines.append(f"{words} the recording's {fmt.rate(recorded)} frames a second.")
    if provider := fmt.text(model, "provider"):
        lines.append(f"On {provider}.")
    return Tile("Speed of the network", f"{rate:.1f} frames a second", tuple(lines))


def live_tile(model: Mapping[str, Any]) -> Tile | None:
    """What a robot would get; None where the recording was not played live."""
    if not isinstance(model.get("live"), Mapping):
        return None
    rate, wanted = fmt.figure(model, "live", "rate_hz"), fmt.figure(model, "live", "rate_in_hz")
    if rate is None:
        out = fmt.figure(model, "live", "frames_out") or 0
        headline = "No result" if not out else fmt.counted(out, "result")
    else:
        headline = f"{fmt.hertz(rate)} of {fmt.hertz(wanted)}" if wanted is not None else fmt.hertz(rate)
    lines = []
    median, p95 = (fmt.figure(model, "live", "latency_ms", k) for k in ("median", "p95"))
    if median is not None:
        most = f", 95 of 100 within {fmt.milliseconds(p95)}" if p95 is not None else ""
        lines.append(f"Latency: {fmt.milliseconds(median)} median{most}.")
    dropped, taken = fmt.figure(model, "live", "dropped"), fmt.figure(model, "live", "frames_in")
    if dropped:
        share = f" of {fmt.count(taken)} ({fmt.percent(dropped / taken)})" if taken else ""
        lines.append(f"{fmt.counted(dropped, 'frame')}{share} without a result{_reasons(model)}.")
    elif dropped is not None:
        lines.append("No frame dropped.")
    if (cpu := fmt.figure(model, "live", "cpu_percent")) is not None:
        lines.append(f"CPU: {fmt.cpu(cpu)} of one core.")
    return Tile("Live on the node", headline, tuple(lines), known=rate is not None)


def _reasons(model: Mapping[str, Any]) -> str:
    reasons = fmt.part(model, "live", "dropped_by")
    counts = {str(r): fmt.figure(reasons, r) for r in reasons} if isinstance(reasons, Mapping) else {}
    told = [f"{reason} ({fmt.count(n)})" for reason, n in counts.items() if n]
    return f": {', '.join(told)}" if told else ""
