"""What a model's classes are worth, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.breakdown import named_classes
from mtl_perception.evaluation.report.confusion import mistakes
from mtl_perception.evaluation.report.tile import Tile

_RARE = 0.001
"""Classes with a smaller share of the labelled pixels do not make a verdict, where there are others."""
_WORST_CLASSES = 3


def class_tile(model: Mapping[str, Any]) -> Tile:
    """How many pixels are right, which classes are worst; without truth, how much they change and differ."""
    right = fmt.figure(model, "segmentation", "pixel_accuracy")
    if right is None:
        return _unknown(model)
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


def _unknown(model: Mapping[str, Any]) -> Tile:
    lines = ["No true labels: nothing here says whether classes are right."]
    if (change := fmt.figure(model, "stability", "class_change")) is not None:
        lines.append(f"{fmt.percent(change)} of pixels change class from frame to frame.")
    if (same := fmt.figure(model, "agreement", "class_share")) is not None:
        lines.append(f"{fmt.percent(same)} of pixels have the class that {fmt.first_model(model)} gives.")
    return Tile("Classes", "Not measured", tuple(lines), known=False)
