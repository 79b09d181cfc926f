"""A family as a table and a picture: accuracy against time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

from training.family.family import Family
from training.plot_file import save_plot

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def markdown(family: Family, members: Mapping[str, Mapping[str, Any]], conditions: str) -> str:
    """The table for people; ``members`` holds by name ``values``, ``parameters_m`` and ``ms``."""
    height, width = family.size
    lines = [
        f"# Students of the family `{family.name}`",
        "",
        f"{width}x{height} in and out; trained on {', '.join(family.labelled)}, measured on {family.report}. "
        f"{conditions}",
        "",
        "| file | what | M parameters | mIoU | rmse, m | ms (p95) | times the speed of the faithful one |",
        "|---|---|---|---|---|---|---|",
    ]
    faithful = members.get(family.faithful)
    for name, found in members.items():
        values, ms = found["values"], found["ms"]
        faster = f"{faithful['ms']['median'] / ms['median']:.1f}" if faithful else "-"
        lines.append(
            f"| {name} | {family.member(name).title} | {found['parameters_m']:.1f} "
            f"| {100 * values['miou_present']:.1f} | {values['rmse']:.3f} | {ms['median']:.1f} ({ms['p95']:.1f}) "
            f"| {faster} |"
        )
    return "\n".join([*lines, "", f"![accuracy against time]({family.name}.png)", ""])


def draw(family: Family, members: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw mIoU and depth error of each member over its time, as a PNG at ``path``."""
    picture, panels = plt.subplots(1, 2, figsize=(13, 4.8), sharex=True)
    for panel, (figure, factor, label) in zip(
        panels, (("miou_present", 100, "mIoU, %"), ("rmse", 1, "depth rmse, m")), strict=True
    ):
        for name, found in members.items():
            x, y = found["ms"]["median"], factor * found["values"][figure]
            panel.plot(x, y, "o", color="tab:red" if name == family.faithful else "tab:blue")
            panel.annotate(name, (x, y), xytext=(5, 4), textcoords="offset points", fontsize=8)
        panel.set_xscale("log")
        panel.set_xlabel("milliseconds a frame (median)")
        panel.set_ylabel(label)
        panel.grid(alpha=0.3, which="both")
    picture.tight_layout()
    save_plot(picture, path)
