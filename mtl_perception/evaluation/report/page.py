"""report.html: one file that opens anywhere, from metrics.json, frames.csv and the frames to look at."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from mtl_perception.atomic_write import write_atomically
from mtl_perception.evaluation.frame_pictures import FramePictures
from mtl_perception.evaluation.report import charts, provenance
from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.breakdown import by_class, by_distance, class_colors, never_there
from mtl_perception.evaluation.report.confusion import confusion
from mtl_perception.evaluation.report.frame_lines import FrameLines
from mtl_perception.evaluation.report.frame_strips import Strip, strips
from mtl_perception.evaluation.report.side_by_side import side_by_side
from mtl_perception.evaluation.report.verdict import comparison, coverage, verdict

_RANKS = ("worst", "median", "best", "sample")
_TASKS = {"depth": "Depth", "segmentation": "Classes"}


def write_report(
    path: Path, metrics: Mapping[str, Any], pictures: Sequence[FramePictures] = (), frames: Path | None = None
) -> None:
    """Write the report, whole or not at all.

    The page needs no network and runs no script; its pictures are inside it, at the largest size at which it stays
    below 10 MB. What ``metrics`` lacks, the page does not mention.

    Args:
        path: file to write, report.html.
        metrics: what metrics.json says, version 1.
        pictures: frames to show, of the models in ``metrics``, in any order.
        frames: frames.csv, for plots over time and of the network's times; None leaves them out.

    Raises:
        OSError: ``path`` cannot be written, or ``frames`` not be read.
    """
    models = fmt.entries(metrics, "models")
    bag = _mapping(metrics.get("bag"))
    lines = FrameLines(frames) if frames else None
    template = _environment().get_template("report.html.jinja")
    page = template.render(
        bag_name=fmt.text(bag, "name") or "a recording",
        complete=metrics.get("complete") is not False,
        stopped_by=fmt.text(metrics, "stopped_by"),
        coverage=coverage(bag),
        comparison=comparison(models),
        verdicts=[(fmt.text(m, "name"), verdict(m, bag)) for m in models],
        names=[fmt.text(m, "name") for m in models],
        figures=side_by_side(models),
        distance_plots=charts.over_distance(models),
        distances=by_distance(models),
        classes=by_class(models),
        never_there=[(fmt.text(m, "name"), never_there(m)) for m in models],
        confusions=[c for c in map(confusion, models) if c],
        frames=_frames(models, pictures),
        time_plots=charts.over_time(models, lines) if lines else [],
        frames_a_point=max((lines.frames_a_point(fmt.text(m, "name")) for m in models), default=0) if lines else 0,
        network_times=charts.network_times(models, lines) if lines else [],
        live_latencies=charts.live_latencies(models),
        bag=provenance.of_bag(bag),
        skipped=provenance.skipped(bag),
        notes=provenance.notes(bag),
        cards=[(fmt.text(m, "name"), provenance.of_model(m)) for m in models],
        made=provenance.of_making(_mapping(metrics.get("made"))),
    )
    write_atomically(path, page.encode("utf-8", "replace"))


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    # Our own file, which may not be escaped.
    environment.globals["style"] = Markup(environment.get_template("report.css").render())
    return environment


def _breakable(name: str) -> Markup:
    """``name``, escaped, that a line may break after each of its marks, as names have no spaces."""
    return Markup("<wbr>").join(re.split(r"(?<=[_./-])", name))


def _frames(
    models: Sequence[Mapping[str, Any]], pictures: Sequence[FramePictures]
) -> list[tuple[str, list[tuple[str, list[Strip]]]]]:
    """Models, of each the tasks, of each the frames, worst first."""
    order = {fmt.text(m, "name"): place for place, m in enumerate(models)}
    tasks = list(_TASKS)
    wanted = sorted(
        (p for p in pictures if p.model in order),
        key=lambda p: (order[p.model], tasks.index(p.task), _RANKS.index(p.rank)),
    )
    colors = {fmt.text(m, "name"): class_colors(m) for m in models}
    names = {fmt.text(m, "name"): _class_names(m) for m in models}
    grouped: dict[str, dict[str, list[Strip]]] = {}
    for picture, strip in zip(wanted, strips(wanted, colors, names), strict=True):
        title = _TASKS[picture.task] if picture.rank != "sample" else "Samples, without truth"
        grouped.setdefault(picture.model, {}).setdefault(title, []).append(strip)
    return [(model, list(by_task.items())) for model, by_task in grouped.items()]


def _class_names(model: Mapping[str, Any]) -> dict[int, str]:
    classes = [*fmt.entries(model, "card", "classes"), *fmt.entries(model, "segmentation", "classes")]
    return {c["id"]: fmt.text(c, "name") for c in classes if isinstance(c.get("id"), int)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
