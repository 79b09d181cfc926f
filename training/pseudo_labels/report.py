"""The report on pseudo-labels: report.md to read, report.json to compute with, plots and pictures."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2

from mtl_perception.atomic_write import write_atomically
from mtl_perception.json_file import write_json
from training.models.tasks import SEMANTIC
from training.pseudo_labels.contact_sheet import Example, class_sheet, depth_sheet
from training.pseudo_labels.derived_quality import DerivedPseudoLabelQuality
from training.pseudo_labels.plots import plot_classes, plot_reliability, plot_sparsification, plot_threshold
from training.pseudo_labels.quality import DepthPseudoLabelQuality, PseudoLabelQuality

_CLASS_FIGURES = ("coverage", "precision", "recall", "mean_confidence", "accuracy", "calibration_error")


def write_report(
    directory: str | os.PathLike[str],
    classes: Mapping[int, str],
    semantic: PseudoLabelQuality | None,
    depth: DepthPseudoLabelQuality | None,
    examples: Mapping[str, Sequence[Example]] | None = None,
    derived: Mapping[str, DerivedPseudoLabelQuality] | None = None,
) -> Path:
    """Write ``report.md``, its pictures, and, when all else is there, ``report.json``.

    Args:
        directory: where to; made if it is not there.
        classes: class id to name.
        semantic: what was counted of classes, or None.
        depth: what was counted of depth, or None.
        examples: of the tasks ``semantic`` and ``depth`` frames to show, all of one size.
        derived: what was counted of derived tasks, by name.

    Returns:
        Path of ``report.md``.
    """
    directory = Path(directory)
    lines = ["# Quality of the pseudo-labels", ""]
    content: dict[str, Any] = {}
    if semantic:
        content["semantic"] = _named(semantic.compute(), classes)
        lines += _semantic_section(content["semantic"], directory)
    if depth:
        content["depth"] = depth.compute()
        lines += _depth_section(content["depth"], directory)
    for task, quality in (derived or {}).items():
        content[task] = quality.compute()
        lines += [f"## {task.capitalize()}", "", "| figure | value |", "|---|---:|"]
        lines += [*(f"| {name} | {value:.4g} |" for name, value in content[task].items()), ""]
    sheets = {
        task: class_sheet(shown, classes) if task == SEMANTIC else depth_sheet(shown)
        for task, shown in (examples or {}).items()
        if shown
    }
    if sheets:
        lines += ["## Examples", "", "Grey: no label. White in the error: no truth.", ""]
    for task, sheet in sheets.items():
        name = f"{task}_examples.png"
        picture = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
        write_atomically(directory / name, picture.tobytes())
        lines += [f"![]({name})", ""]
    write_atomically(directory / "report.md", "\n".join(lines).encode())
    write_json(directory / "report.json", content)
    return directory / "report.md"


def _semantic_section(values: Mapping[str, Any], directory: Path) -> list[str]:
    lines = ["## Classes", ""]
    if not values["labelled_pixels"]:
        return [*lines, "No pixel of these frames has a true class, so nothing can be said of how good they are.", ""]
    plot_reliability(values["calibration"], directory / "calibration.png")
    plot_threshold(values["curve"], values["tau"], directory / "threshold.png")
    by_size = sorted(values["per_class"].items(), key=lambda item: -item[1]["pixels"])
    plot_classes(by_size, directory / "classes.png")
    calibration = values["calibration"]
    leaning = "over" if calibration["mean_confidence"] > values["accuracy_all"] else "under"
    return [
        *lines,
        f"Measured on {values['labelled_pixels']:,} pixels whose true class is known. A label is kept where its "
        f"confidence is above tau = {values['tau']:g}.",
        "",
        "| pixels | share of them | accuracy | mIoU |",
        "|---|---:|---:|---:|",
        f"| kept | {_percent(values['coverage'])} | {_percent(values['accuracy'])} | {_percent(values['miou'])} |",
        f"| all | 100.0 % | {_percent(values['accuracy_all'])} | {_percent(values['miou_all'])} |",
        "",
        "Where no class was given at all, that is wrong, and its confidence 0. Of all pixels, those without a true "
        f"class too, {_percent(values['coverage_all_pixels'])} are kept. "
        f"The labels are {leaning}confident: mean confidence "
        f"{_percent(calibration['mean_confidence'])}, accuracy {_percent(values['accuracy_all'])}; expected "
        f"calibration error {_percent(calibration['error'])} over {len(calibration['bins'])} bins.",
        "",
        "![](threshold.png)",
        "![](calibration.png)",
        "",
        "### Each class",
        "",
        "Coverage: share of the class's pixels that are kept. Of the kept pixels: precision, the share of those given "
        "the class that are of it; recall, the share of those of the class that were given it. Of all pixels given the "
        "class, kept or not: mean confidence, the share that are of it (right), and the expected calibration error.",
        "",
        "| class | pixels | coverage | precision | recall | confidence | right | calibration error |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {name} | {v['pixels']:,} | " + " | ".join(_percent(v[figure]) for figure in _CLASS_FIGURES) + " |"
            for name, v in by_size
        ),
        "",
        "![](classes.png)",
        "",
    ]


def _depth_section(values: Mapping[str, Any], directory: Path) -> list[str]:
    lines = ["## Depth", ""]
    if not values["curve"]:
        return [*lines, "No pixel of these frames has a known depth, so nothing can be said of how good it is.", ""]
    plot_sparsification(values, directory / "depth.png")
    return [
        *lines,
        f"Measured on {values['known_pixels']:,} pixels whose depth is known.",
        "",
        "| pixels | share of them | abs rel | rmse, m | delta 1 |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {name} | {_percent(share)} | {_number(values['abs_rel' + end])} | {_number(values['rmse' + end])} "
            f"| {_percent(values['delta1' + end])} |"
            for name, share, end in (
                ("kept", values["coverage"], ""),
                ("all with a prediction", values["curve"][-1]["coverage"], "_all"),
            )
        ),
        "",
        f"Of all pixels, those without a known depth too, {_percent(values['coverage_all_pixels'])} are kept. Where "
        "the curve rises from left to right, the confidence tells the good pixels from the bad ones.",
        "",
        "![](depth.png)",
        "",
    ]


def _named(values: dict[str, Any], classes: Mapping[int, str]) -> dict[str, Any]:
    """The figures with class names in place of ids; two classes of one name stay apart."""
    twice = len(set(classes.values())) < len(classes)
    name = {i: f"{text} ({i})" if twice else text for i, text in classes.items()}
    return {**values, "per_class": {name[i]: figures for i, figures in values["per_class"].items()}}


def _percent(share: float) -> str:
    return "none" if math.isnan(share) else f"{100 * share:.1f} %"


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.3f}"
