"""Plots of the quality of pseudo-labels, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.ticker import PercentFormatter

from training.plot_file import plt, save_plot

# Told apart by those who see few colours too (Okabe and Ito).
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#777777"


def plot_reliability(calibration: Mapping[str, Any], path: Path) -> None:
    """Accuracy against confidence, bin by bin, over the number of pixels in each bin.

    Args:
        calibration: as ``PseudoLabelQuality.compute`` gives it.
        path: PNG to write.
    """
    bins = [b for b in calibration["bins"] if b["count"]]
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(5.2, 6), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    middles = [(b["low"] + b["high"]) / 2 for b in bins]
    width = bins[0]["high"] - bins[0]["low"]
    upper.bar(middles, [b["accuracy"] for b in bins], width * 0.9, color=BLUE, label="accuracy")
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="as confident as right")
    upper.set(ylim=(0, 1), ylabel="share of pixels that are right")
    upper.set_title(f"Expected calibration error {100 * calibration['error']:.1f} %")
    upper.legend(loc="upper left", frameon=False)
    total = sum(b["count"] for b in bins)
    lower.bar(middles, [b["count"] / total for b in bins], width * 0.9, color=GREY)
    lower.set(xlim=(0, 1), xlabel="confidence of the label", ylabel="pixels")
    _percent(lower.yaxis, upper.yaxis)
    save_plot(figure, path)


def plot_threshold(curve: Sequence[Mapping[str, float]], tau: float, path: Path) -> None:
    """Accuracy and coverage against the threshold, with the one used.

    Args:
        curve: as ``PseudoLabelQuality.compute`` gives it.
        tau: the threshold used.
        path: PNG to write.
    """
    figure, panel = plt.subplots(figsize=(5.8, 4), layout="constrained")
    taus = [point["tau"] for point in curve]
    for name, label, color, marker in (
        ("accuracy", "accuracy of the kept", BLUE, "o"),
        ("coverage", "coverage", ORANGE, "s"),
    ):
        panel.plot(taus, [p[name] for p in curve], color=color, marker=marker, markersize=3.5, label=label)
    panel.axvline(tau, color=GREY, linestyle="--", linewidth=1, label=f"tau = {tau:g}")
    panel.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="threshold on the confidence", ylabel="share of labelled pixels")
    panel.set_title("What a threshold keeps, and how much of it is right")
    panel.grid(alpha=0.3)
    panel.legend(loc="lower left", frameon=False)
    _percent(panel.yaxis)
    save_plot(figure, path)


def plot_classes(rows: Sequence[tuple[str, Mapping[str, float]]], path: Path) -> None:
    """Coverage, precision, recall and calibration error of each class, side by side.

    Args:
        rows: class names and their figures, as ``PseudoLabelQuality.compute`` gives them, in the order to show.
        path: PNG to write.
    """
    figure, panels = plt.subplots(
        1, 4, figsize=(11.8, 1.3 + 0.24 * len(rows)), sharey=True, layout="constrained", squeeze=False
    )
    figure.get_layout_engine().set(wspace=0.06)  # So that 100 % of one panel and 0 % of the next stay apart.
    places = range(len(rows))
    for panel, (name, title, color) in zip(
        panels[0],
        (
            ("coverage", "coverage: of its pixels, kept", ORANGE),
            ("precision", "precision: of the kept, truly it", BLUE),
            ("recall", "recall: of its kept pixels, found", GREEN),
            ("calibration_error", "error of the confidence in it", PURPLE),
        ),
        strict=True,
    ):
        values = [figures[name] for _, figures in rows]
        panel.barh(places, [0 if v != v else v for v in values], 0.72, color=color)
        for place, value in zip(places, values, strict=True):
            text, inside = ("none", False) if value != value else (f"{100 * value:.0f}", value > 0.85)
            panel.text(
                (0 if value != value else value) + (-0.015 if inside else 0.015),
                place,
                text,
                va="center",
                ha="right" if inside else "left",
                fontsize=7,
                color="white" if inside else GREY if value != value else "black",
            )
        panel.set(xlim=(0, 1))
        panel.set_title(title, fontsize=9)
        panel.grid(axis="x", alpha=0.3)
        panel.set_axisbelow(True)
        _percent(panel.xaxis)
    panels[0][0].set_yticks(places, [name for name, _ in rows], fontsize=8)
    panels[0][0].set_ylim(len(rows) - 0.4, -0.6)
    save_plot(figure, path)


def plot_sparsification(values: Mapping[str, Any], path: Path) -> None:
    """Errors of depth when only the surest pixels are kept, from few to all, with what is kept.

    Args:
        values: as ``DepthPseudoLabelQuality.compute`` gives them.
        path: PNG to write.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True, layout="constrained")
    for panel, (name, label, color) in zip(
        panels, (("abs_rel", "absolute relative error", BLUE), ("rmse", "rmse, m", ORANGE)), strict=True
    ):
        curve = values["curve"]
        panel.plot([p["coverage"] for p in curve], [p[name] for p in curve], color=color, label="surest pixels first")
        panel.axhline(
            values[f"{name}_all"], color=GREY, linestyle="--", linewidth=1, label="all pixels, or any at random"
        )
        if values["coverage"]:
            panel.plot([values["coverage"]], [values[name]], "o", color="black", label="kept as labels")
        panel.set(xlim=(0, 1), xlabel="share of the pixels with known depth", ylabel=label)
        panel.set_ylim(0, 1.08 * max(p[name] for p in curve) or 1)
        panel.grid(alpha=0.3)
        panel.legend(loc="lower left", frameon=False)
        _percent(panel.xaxis)
    _percent(panels[0].yaxis)
    figure.suptitle("Does the confidence tell where depth is right?")
    save_plot(figure, path)


def _percent(*axes: Any) -> None:
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1, decimals=None))
