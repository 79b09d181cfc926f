"""What the figures say, in the words of somebody who has ten seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.breakdown import distances, named_classes
from mtl_perception.evaluation.report.confusion import mistakes

_WORTH_A_WORD = 0.02
"""Scale errors below are no news."""
_SLOPE_WORTH_A_WORD = 0.05
"""Share of the distance."""
_LOOK_AT_FOCAL_LENGTH = 0.1
_FEW_PIXELS = 0.01
"""Ranges of distance with a smaller share of the pixels do not make a verdict."""
_RARE = 0.001
"""Classes with a smaller share of the labelled pixels do not make a verdict, where there are others."""
_WORST_CLASSES = 3
_NETWORK_RATE = ("speed", "network_alone_frames_per_second")
"""The rate of the whole evaluation is of all its networks together."""


@dataclass(frozen=True)
class Tile:
    """One thing to know: its ``topic``, the figure that says most, what else matters; ``known``: there is a figure."""

    topic: str
    headline: str
    lines: tuple[str, ...]
    known: bool = True


def verdict(model: Mapping[str, Any], bag: Mapping[str, Any]) -> list[Tile]:
    """The tiles of a model: depth, classes, speed, and, where it was played live, that."""
    tiles = [_depth(model), _classes(model), _speed(model, bag), _live(model)]
    return [tile for tile in tiles if tile]


def comparison(models: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Which model is best at what, and by how much, pairs to read; none where there is nothing to compare."""
    lines = []
    for path, words, sign, write in (
        (("depth", "abs_rel"), "Least depth error", 1, fmt.percent),
        (("segmentation", "miou_present"), "Best mIoU", -1, fmt.percent),
        (_NETWORK_RATE, "Most frames a second", -1, fmt.rate),
    ):
        known = [(sign * v, fmt.text(m, "name"), write(v)) for m in models if (v := fmt.figure(m, *path)) is not None]
        if len({text for _, _, text in known}) > 1:
            (_, best, figure), *others = sorted(known)
            lines.append((words, f"{best}, {figure} ({', '.join(f'{name} {text}' for _, name, text in others)})"))
    return lines


def coverage(bag: Mapping[str, Any]) -> str:
    """How much was looked at, and how much of it with a truth, one sentence."""
    frames = fmt.figure(bag, "frames")
    if frames is None:
        return ""
    seconds = fmt.figure(bag, "seconds")
    text = fmt.counted(frames, "frame") + (f" in {seconds:,.1f}\N{NO-BREAK SPACE}s" if seconds else "")
    truths = []
    for key, name in (("with_depth", "measured depth"), ("with_labels", "labels")):
        count = fmt.figure(bag, key) or 0
        truths.append(f"{'all' if count == frames and count else fmt.count(count) if count else 'none'} with {name}")
    return f"{text}: {', '.join(truths)}."


def _depth(model: Mapping[str, Any]) -> Tile:
    error = fmt.figure(model, "depth", "abs_rel")
    if error is None:
        return _unknown_depth(model)
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


def _classes(model: Mapping[str, Any]) -> Tile:
    right = fmt.figure(model, "segmentation", "pixel_accuracy")
    if right is None:
        return _unknown_classes(model)
    classes = named_classes(model)
    there = {n: c for n, c in classes.items() if fmt.figure(c, "pixels") and fmt.figure(c, "iou") is not None}
    lines = []
    if (miou := fmt.figure(model, "segmentation", "miou_present")) is not None:
        over = f" over the {fmt.counted(len(there), 'class', 'classes')} that occur" if there else ""
        lines.append(f"mIoU {fmt.percent(miou)}{over}.")
    pixels = {n: fmt.figure(c, "pixels") or 0 for n, c in there.items()}
    common = [n for n in there if pixels[n] >= _RARE * sum(pixels.values())]
    by_iou = sorted(common, key=lambda n: fmt.figure(there[n], "iou") or 0)
    if len(by_iou) > 1:
        told = by_iou[: min(_WORST_CLASSES, len(by_iou) - 1)]
        worst = fmt.listed(f"{n} {fmt.whole_percent(fmt.figure(there[n], 'iou'))}" for n in told)
        best = f"{by_iou[-1]} {fmt.whole_percent(fmt.figure(there[by_iou[-1]], 'iou'))}"
        lines.append(f"Worst: {worst} IoU; best: {best}.")
    for mistake in mistakes(model, 1):
        got = "got no class" if mistake.taken_for is None else f"was taken for {mistake.taken_for}"
        lines.append(f"Costliest mistake: {fmt.whole_percent(mistake.share)} of {mistake.true} {got}.")
    if (unsure := fmt.figure(model, "segmentation", "not_confident")) is not None and unsure >= 0.005:
        lines.append(f"{fmt.whole_percent(unsure)} of pixels got no class: not confident.")
    if unknown := fmt.figure(model, "segmentation", "unknown_labels", "share"):
        lines.append(f"Not counted: {fmt.whole_percent(unknown)} of labelled pixels, of classes it does not have.")
    return Tile("Classes", f"{fmt.percent(right)} of pixels right", tuple(lines))


def _unknown_depth(model: Mapping[str, Any]) -> Tile:
    lines = ["No true depth: nothing here says whether depth is right."]
    if (change := fmt.figure(model, "stability", "depth_change")) is not None:
        lines.append(f"It changes by {fmt.percent(change)} from frame to frame (median).")
    if (apart := fmt.figure(model, "agreement", "depth_abs_rel")) is not None:
        lines.append(f"It differs by {fmt.percent(apart)} from that of {_first(model)}.")
    return Tile("Depth", "Not measured", tuple(lines), known=False)


def _unknown_classes(model: Mapping[str, Any]) -> Tile:
    lines = ["No true labels: nothing here says whether classes are right."]
    if (change := fmt.figure(model, "stability", "class_change")) is not None:
        lines.append(f"{fmt.percent(change)} of pixels change class from frame to frame.")
    if (same := fmt.figure(model, "agreement", "class_share")) is not None:
        lines.append(f"{fmt.percent(same)} of pixels have the class that {_first(model)} gives.")
    return Tile("Classes", "Not measured", tuple(lines), known=False)


def _first(model: Mapping[str, Any]) -> str:
    """The model that this one is compared with where nothing is true."""
    return fmt.text(model, "agreement", "with") or "the first model"


def _speed(model: Mapping[str, Any], bag: Mapping[str, Any]) -> Tile | None:
    rate = fmt.figure(model, *_NETWORK_RATE)
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


def _live(model: Mapping[str, Any]) -> Tile | None:
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
    told = [f"{fmt.count(n)} {reason}" for reason, n in counts.items() if n]
    return f": {', '.join(told)}" if told else ""


def _range(entry: Mapping[str, Any]) -> str:
    return distances(fmt.figure(entry, "from") or 0.0, fmt.figure(entry, "to"))
