"""A data set's summary in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import numpy as np

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_tools.summary import RunSummary, Summary


def summary_text(folder: DatasetFolder, summary: Summary) -> str:
    """What ``summary`` tells of ``folder``, lines of text."""
    return "\n".join(_lines(folder, summary))


def _lines(folder: DatasetFolder, summary: Summary) -> Iterator[str]:
    info = folder.info
    total = _megabytes(sum(summary.bytes.values()))
    yield f"{folder.name}: {summary.frames} frames of {info.width}x{info.height}, {total}"
    yield f"  licence    {info.licence}"
    yield f"  source     {info.source}"
    camera = "unknown: depth of a network is right only up to scale"
    if info.intrinsics:
        k = info.intrinsics
        camera = f"fx {k.fx:g}, fy {k.fy:g}, cx {k.cx:g}, cy {k.cy:g} px"
    yield f"  camera     {camera}"
    yield "  frames     " + ", ".join(f"{count} with {kind}" for kind, count in summary.kinds.items() if count)
    sizes = sorted(summary.bytes.items(), key=lambda item: -item[1])
    yield "  on disk    " + ", ".join(f"{kind or 'other files'} {_megabytes(size)}" for kind, size in sizes)
    for what, lists in (("splits", summary.splits), ("sequences", summary.sequences)):
        if lists:
            yield f"  {what:10} " + ", ".join(f"{key} {_of(*counts)}" for key, counts in lists.items())
    if info.rate_hz:
        yield f"  rate       {info.rate_hz:g} Hz within a sequence"
    yield from _runs(summary)
    if summary.valid_depth.size:
        median, worst = np.median(summary.valid_depth), summary.valid_depth[0]
        yield (
            f"  depth      known at {summary.valid_depth.mean():.1%} of pixels; "
            f"median frame {median:.1%}, worst {worst:.1%}; {info.depth_per_metre:g} units a metre"
        )
    if summary.kinds["semantic"]:
        yield f"  labels     {summary.labelled:.1%} of the pixels of {summary.kinds['semantic']} frames"
    width = max((len(_class(folder, i)) for i in summary.class_shares), default=0)
    for class_id, share in summary.class_shares.items():
        frames = summary.class_frames[class_id]
        yield f"    {class_id:3} {_class(folder, class_id):{width}}  {share:6.2%} of them, in {frames} frames"
    unseen = [name for i, name in sorted(info.classes.items()) if i not in summary.class_shares]
    if unseen:
        yield f"  no pixel of {', '.join(unseen)}"
    if summary.unreadable:
        yield f"  {len(summary.unreadable)} frames have damaged files, such as {summary.unreadable[0]}: see `check`"


def _runs(summary: Summary) -> Iterator[str]:
    stamps = [stamp for run in summary.runs for stamp in (run.first, run.last) if stamp is not None]
    if stamps:
        yield f"  time       {_time(min(stamps))} to {_time(max(stamps))}, {len(summary.runs)} runs"
    for run in summary.runs:
        yield f"    {_run(run)}"


def _run(run: RunSummary) -> str:
    text = f"{run.run}: {run.frames} frames"
    if run.first is not None and run.last is not None:
        text += f" in {(run.last - run.first) / 1e9:.0f} s"
    if run.dropped:
        text += f", {run.dropped} dropped"
    text += "".join(f", {count} for {reason}" for reason, count in run.reasons.most_common())
    return text + (", being written" if run.is_being_written else "")


def _time(stamp: int) -> str:
    try:
        return datetime.fromtimestamp(stamp / 1e9, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):  # no time of the calendar
        return f"{stamp} ns"


def _class(folder: DatasetFolder, class_id: int) -> str:
    return folder.info.classes.get(class_id, "(not named)")


def _of(listed: int, present: int) -> str:
    return str(listed) if listed == present else f"{listed} ({listed - present} of them not there)"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:.2f} GB"
