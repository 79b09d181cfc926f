"""Each predictor against what training gave, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.plot_file import plt, save_plot


def draw(content: Mapping[str, Any], path: Path) -> None:
    """A panel a predictor, a point a pair: coloured by the target, named by what is given.

    Args:
        content: as the command writes it, with gains.
        path: PNG to write.
    """
    gains, ranked = content["gains"], content["rank_correlation"]
    columns = min(3, len(ranked))
    rows = -(-len(ranked) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4 * columns, 3.4 * rows), squeeze=False, sharey=True)
    targets = list(dict.fromkeys(pair.split(">")[1] for pair in gains))
    for panel, (name, found) in zip(axes.flat, ranked.items(), strict=False):
        for pair, values in content["pairs"].items():
            if pair in gains and name in values:
                given, target = pair.split(">")
                at = (values[name], 100 * gains[pair])
                panel.scatter(*at, color=f"C{targets.index(target)}", label=target)
                panel.annotate(given, at, xytext=(4, 3), textcoords="offset points", fontsize=7)
        panel.axhline(0, color="grey", linewidth=0.8)
        panel.set_title(f"{name}: the better of two {found['right']:g} of {found['choices']}", fontsize=9)
        panel.grid(alpha=0.3)
    for panel in list(axes.flat)[len(ranked) :]:
        panel.axis("off")
    for line in axes:
        line[0].set_ylabel("gain of training, %")
    shown = {label: h for panel in axes.flat for h, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(shown.values(), [f"for {label}" for label in shown], loc="lower center", ncols=5, frameon=False)
    figure.suptitle(f"Foretold and found: {content['frames']}")
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    save_plot(figure, path)
