"""Which frames of a recording are worth looking at, and their pictures, taken in a second pass over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mtl_perception.evaluation.frame_pictures import LARGEST_WIDTH, FramePictures, Rank, Task
from mtl_perception.evaluation.frames import Frame
from mtl_perception.evaluation.model_scores import FrameScores
from mtl_perception.network import Network

EACH = 3
"""Frames of each rank."""
_SAMPLES = 6
_ENOUGH = 0.02
"""Share of the most pixels any frame was measured on, below which a frame's score says little."""


@dataclass(frozen=True)
class Notable:
    """A frame to be shown."""

    index: int
    task: Task
    rank: Rank
    score: float | None
    score_name: str


def notable_frames(frames: Sequence[FrameScores]) -> list[Notable]:
    """The worst, median and best frames of each task with truth, worst first; without any truth some, evenly spread.

    Neighbours in time look alike: of frames next to each other in a rank the others are passed over.
    """
    depth = [(f.depth_abs_rel, f.depth_pixels, f.index) for f in frames if f.depth_abs_rel is not None]
    classes = [(-f.miou, f.labelled_pixels, f.index) for f in frames if f.miou is not None]
    found = [
        *(Notable(index, "depth", rank, badness, "abs_rel") for rank, badness, index in _ranked(depth)),
        *(Notable(index, "segmentation", rank, -badness, "miou") for rank, badness, index in _ranked(classes)),
    ]
    if found:
        return found
    count = min(_SAMPLES, len(frames))
    spread = [frames[(2 * i + 1) * len(frames) // (2 * count)].index for i in range(count)]
    return [Notable(index, "depth", "sample", None, "") for index in spread]


def _ranked(scored: Sequence[tuple[float, int, int]]) -> list[tuple[Rank, float, int]]:
    """Rank, badness and index of the notable ones of ``scored``: badness, pixels, index."""
    most = max((pixels for _, pixels, _ in scored), default=0)
    order = sorted((badness, index) for badness, pixels, index in scored if pixels >= _ENOUGH * most)
    middle = (len(order) - 1) // 2
    by_middle = sorted(range(len(order)), key=lambda i: (abs(i - middle), i))
    apart = max(1, len(order) // 20)
    taken: list[int] = []
    found: list[tuple[Rank, float, int]] = []
    candidates: tuple[tuple[Rank, Iterable[int]], ...] = (
        ("worst", reversed(range(len(order)))),
        ("best", range(len(order))),
        ("median", by_middle),
    )
    for rank, places in candidates:
        count = 0
        for place in places:
            badness, index = order[place]
            if count < EACH and all(abs(index - other) >= apart for other in taken):
                taken.append(index)
                found.append((rank, badness, index))
                count += 1
    return sorted(found, key=lambda item: (("worst", "median", "best").index(item[0]), -item[1]))


def pictures_of(
    frames: Iterable[Frame], networks: Mapping[str, Network], notable: Mapping[str, Sequence[Notable]]
) -> list[FramePictures]:
    """Predict the notable frames once more and keep what there is to see.

    Args:
        frames: at least the notable ones.
        networks: by the name in the metrics.
        notable: by the same.

    Returns:
        By network and in the order of ``notable``, at most ``LARGEST_WIDTH`` wide; without those that are not
        among ``frames``.
    """
    wanted: dict[int, list[tuple[str, Notable]]] = {}
    for name, chosen in notable.items():
        for one in chosen:
            wanted.setdefault(one.index, []).append((name, one))
    found: dict[tuple[str, Notable], FramePictures] = {}
    for frame in frames:
        predictions = {}
        for name, one in wanted.get(frame.index, ()):
            if name not in predictions:
                predictions[name] = networks[name].predict(frame.rgb, frame.focal_length)
            found[name, one] = FramePictures(
                model=name,
                task=one.task,
                rank=one.rank,
                stamp=frame.stamp,
                index=frame.index,
                score=one.score,
                score_name=one.score_name,
                rgb=frame.rgb,
                depth=predictions[name].depth,
                segmentation=predictions[name].segmentation,
                true_depth=frame.depth,
                true_segmentation=frame.classes,
            ).shrunk(LARGEST_WIDTH)
    order = [(name, one) for name, chosen in notable.items() for one in chosen]
    return [found[key] for key in order if key in found]
