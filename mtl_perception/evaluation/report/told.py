"""Every figure of a model that the report tells: its name, where metrics.json has it, its meaning, what is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mtl_perception.evaluation.named_figures import Better
from mtl_perception.evaluation.report import figures as fmt


@dataclass(frozen=True)
class Told:
    """A figure of a model.

    Attributes:
        title: its name in the table.
        path: where it lies in a model's part of metrics.json.
        write: the number as text.
        means: what it means, one sentence.
        better: which way it is; None where the report marks no best, as of what a truth would have to judge.
    """

    title: str
    path: tuple[str, ...]
    write: Callable[[float], str]
    means: str
    better: Better | None = None


@dataclass(frozen=True)
class Group:
    """Figures that belong together."""

    title: str
    figures: tuple[Told, ...]


def _of(section: str, *rows: tuple[str, str, Callable[[float], str], Better | None, str]) -> tuple[Told, ...]:
    """Figures of one section of metrics.json: title, key, writing, which way is better, meaning."""
    return tuple(Told(title, (section, key), write, means, better) for title, key, write, better, means in rows)


def _times(section: str, key: str, what: str, means: str) -> tuple[Told, ...]:
    """Median, 95th percentile and maximum of a time."""
    return (
        Told(f"{what}, median", (section, key, "median"), fmt.milliseconds, means, "less"),
        Told(f"{what}, p95", (section, key, "p95"), fmt.milliseconds, "95 of 100 frames take less.", "less"),
        Told(f"{what}, longest", (section, key, "max"), fmt.milliseconds, "Of all frames.", "less"),
    )


_DEPTH = _of(
    "depth",
    ("abs rel", "abs_rel", fmt.percent, "less", "Mean of the error as a share of the true depth."),
    ("rmse", "rmse", fmt.metres, "less", "Root of the mean squared error; few large errors weigh much."),
    ("log rmse", "log_rmse", fmt.plain, "less", "As rmse, of the natural logarithms: near and far weigh alike."),
    ("sq rel", "sq_rel", fmt.metres, "less", "Mean of the squared error over the true depth."),
    ("delta 1", "delta1", fmt.percent, "more", "Share of pixels within a factor of 1.25 of the truth."),
    ("delta 2", "delta2", fmt.percent, "more", "The same, a factor of 1.25²."),
    ("delta 3", "delta3", fmt.percent, "more", "The same, a factor of 1.25³."),
    ("bias", "bias", fmt.signed_metres, "nearer 0", "Mean of predicted less true depth: below 0 reads too near."),
    (
        "scale",
        "median_ratio",
        fmt.plain,
        "nearer 1",
        "Median predicted over median true depth of the middle frame: 1 is right. Far from 1 all depth is too near "
        "(below) or too far: look at the focal length first.",
    ),
    ("frames", "frames", fmt.count, None, "With true depth."),
    ("pixels", "pixels", fmt.count, None, "With true depth, in all of them."),
)
_CLASSES = _of(
    "segmentation",
    ("pixels right", "pixel_accuracy", fmt.percent, "more", "Share of labelled pixels that got their true class."),
    (
        "mIoU, classes present",
        "miou_present",
        fmt.percent,
        "more",
        "Mean IoU of the classes that truly occur. IoU: of the pixels that are the class or were called it, the share "
        "that are both.",
    ),
    ("mIoU", "miou", fmt.percent, "more", "The same, with a 0 for each class that was predicted and never occurs."),
    ("not confident", "not_confident", fmt.percent, None, "Share of pixels for which the network gave no class."),
    ("frames", "frames", fmt.count, None, "With true labels."),
)
_STABILITY = _of(
    "stability",
    (
        "depth change",
        "depth_change",
        fmt.percent,
        None,
        "Median change of a pixel's depth from one frame to the next. A moving camera changes depth too, and what "
        "holds still may be wrong.",
    ),
    ("class change", "class_change", fmt.percent, None, "Share of pixels whose class changes; the same caution."),
    ("pairs", "pairs", fmt.count, None, "Of frames, one after the other."),
)
_AGREEMENT = _of(
    "agreement",
    (
        "depth apart",
        "depth_abs_rel",
        fmt.percent,
        None,
        "Mean difference to the first model's depth, as a share of it. Models that agree may both be wrong.",
    ),
    ("same class", "class_share", fmt.percent, None, "Share of pixels that both give the same class."),
)
_SPEED = (
    *_of(
        "speed",
        ("network alone", "network_alone_frames_per_second", fmt.rate, "more", "Frames a second, with nothing else."),
        (
            "all together",
            "frames_per_second",
            fmt.rate,
            None,
            "Frames a second through decoding, all networks and metrics: how fast this evaluation went.",
        ),
    ),
    *_times("speed", "network_ms", "network", "Half of all frames take less."),
)
_LIVE = (
    *_of(
        "live",
        ("rate out", "rate_hz", fmt.hertz, "more", "Results that reached a listener."),
        ("rate in", "rate_in_hz", fmt.hertz, None, "Frames played to the node."),
        ("frames in", "frames_in", fmt.count, None, "Played to the node."),
        ("frames out", "frames_out", fmt.count, "more", "With a result."),
        ("dropped", "dropped", fmt.count, "less", "Without one. The node passes over a frame when a newer one waits."),
    ),
    *_times("live", "latency_ms", "latency", "From a frame's being sent to its result's being received."),
    *_times("live", "age_ms", "age", "From the image's stamp to its result's being received."),
    *_times("live", "network_ms", "network", "Half of all frames take less."),
    *_of("live", ("CPU", "cpu_percent", fmt.cpu, "less", "Of the node's process; 100 % is one core.")),
    Told("memory, start", ("live", "memory_mib", "start"), fmt.mebibytes, "Of the node's process."),
    Told("memory, end", ("live", "memory_mib", "end"), fmt.mebibytes, "Much more than at the start is a leak."),
    Told("memory, most", ("live", "memory_mib", "max"), fmt.mebibytes, "The most it ever had.", "less"),
)

GROUPS = (
    Group("Depth", _DEPTH),
    Group("Classes", _CLASSES),
    Group("Steadiness, without any truth", _STABILITY),
    Group("Agreement with the first model, without any truth", _AGREEMENT),
    Group("Speed", _SPEED),
    Group("Live: the recording played in real time through the node", _LIVE),
)
