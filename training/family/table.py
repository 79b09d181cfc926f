"""A family as a table and a picture: accuracy against time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.ticker import LogLocator, NullFormatter

from training.family.family import Family
from training.metrics.figures import ROBOT_FIGURES
from training.plot_file import plt, save_plot

_NONE = "-"
_Members = Mapping[str, Mapping[str, Any]]


def markdown(family: Family, members: _Members, conditions: str) -> str:
    """The table for people.

    Args:
        family: of the members.
        members: by name ``values`` and ``parameters_m``, with ``ms`` and ``device`` or ``not_timed``.
        conditions: of the times.
    """
    height, width = family.size
    titles = " | ".join(figure.title for figure in ROBOT_FIGURES.values())
    lines = [
        f"# Students of the family `{family.name}`",
        "",
        f"{width}x{height} in and out; trained on {', '.join(family.labelled)}, measured on {family.report}, "
        f"mIoU over the classes present. {conditions}",
        "",
        f"| file | what | M parameters | {titles} | ms (p95) | times the speed of the faithful one |",
        "|---|---|---|---|---|---|---|",
    ]
    faithful = members.get(family.faithful, {})
    for name, found in members.items():
        cells = (
            name,
            family.member(name).title,
            f"{found['parameters_m']:.1f}",
            *(
                figure.told(found["values"][key]) if key in found["values"] else _NONE
                for key, figure in ROBOT_FIGURES.items()
            ),
            _time(found),
            _speed(found, faithful),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_timing(members), "", f"![accuracy against time]({family.name}.png)", ""])


def draw(family: Family, members: _Members, path: Path) -> None:
    """Draw mIoU and depth error of each member over its time, as a PNG at ``path``; one that lacks either is left out.

    Arguments as of ``markdown``.
    """
    picture, panels = plt.subplots(1, 2, figsize=(13, 4.8), sharex=True)
    devices = _devices(members)
    for panel, figure in zip(panels, ROBOT_FIGURES.values(), strict=True):
        for name, found in members.items():
            if "ms" in found and figure.name in found["values"]:
                x, y = found["ms"]["median"], figure.scale * found["values"][figure.name]
                panel.plot(x, y, "o", color="tab:red" if name == family.faithful else "tab:blue")
                panel.annotate(name, (x, y), xytext=(5, 4), textcoords="offset points", fontsize=8)
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.margins(x=0.2)  # for the names
        panel.set_xlabel("milliseconds a frame (median)" + (", not all of one library" if len(devices) > 1 else ""))
        panel.set_ylabel(figure.title)
        panel.grid(alpha=0.3, which="both")
    picture.tight_layout()
    save_plot(picture, path)


def _time(found: Mapping[str, Any]) -> str:
    return f"{found['ms']['median']:.1f} ({found['ms']['p95']:.1f})" if "ms" in found else "not timed"


def _speed(found: Mapping[str, Any], faithful: Mapping[str, Any]) -> str:
    """How many times faster; of one library's times and another's it would tell of the libraries."""
    if "ms" not in found or found["device"] != faithful.get("device"):
        return _NONE
    return f"{faithful['ms']['median'] / found['ms']['median']:.1f}"


def _devices(members: _Members) -> dict[str, list[str]]:
    """By what timed them the names of the members."""
    devices: dict[str, list[str]] = {}
    for name, found in members.items():
        if "ms" in found:
            devices.setdefault(found["device"], []).append(name)
    return devices


def _timing(members: _Members) -> list[str]:
    """What timed the members, and why some have no time."""
    devices = _devices(members)
    lines = [f"- Timed by {device}: {', '.join(names)}." for device, names in devices.items()]
    if len(devices) > 1:
        lines.insert(0, "- **Not all were timed by the same library or device: these times do not compare.**")
    failed = {name: found["not_timed"] for name, found in members.items() if "not_timed" in found}
    return lines + [f"- {name} could not be timed: {' '.join(why.split())}" for name, why in failed.items()]
