"""Metrics of segmentation and depth, added up over a whole data set.

Dataset-level: counts and sums are collected over all frames and divided once, so a frame weighs
by its labelled pixels. (A mean of per-frame figures is another number.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mtl_perception.model_card import NOT_CONFIDENT, UNLABELLED

NEAREST = 1e-3
"""Metres: a true depth below it is none."""
_BLOCK = 1 << 15
"""Pixels whose errors are made out at a time: what fits the cache takes a fraction of the time of a whole frame."""


class SegmentationMetrics:
    """Intersection over union from a confusion matrix.

    Args:
        classes: number N of classes; ids are 1..N.

    Attributes:
        confusion: (N, N + 1) int64 pixel counts, row = true class, column = predicted class; the last
            column counts labelled pixels for which no class was predicted.
    """

    def __init__(self, classes: int) -> None:
        if not 0 < classes < NOT_CONFIDENT:
            raise ValueError(f"{classes} classes: ids 1..254 allow 1 to 254")
        self.classes = classes
        self.reset()

    def reset(self) -> None:
        """Forget every frame."""
        self.confusion = np.zeros((self.classes, self.classes + 1), np.int64)

    def update(self, predicted: np.ndarray, target: np.ndarray) -> None:
        """Count a frame, or a batch.

        Args:
            predicted: class ids of any integer type; 0 or 255 = none predicted, which is never right.
            target: class ids of the same shape; 0 = unlabelled, not counted.

        Raises:
            ValueError: shapes differ, or an id is none of 0..N and 255.
        """
        if predicted.shape != target.shape:
            raise ValueError(f"prediction of shape {predicted.shape}, target of shape {target.shape}")
        if predicted.dtype == np.uint8 and target.dtype == np.uint8:
            pairs = np.bincount((target.astype(np.uint16) << 8 | predicted).ravel(), minlength=1 << 16)
            self._add(pairs.reshape(256, 256))
            return
        true, guess = target.ravel().astype(np.int64), predicted.ravel().astype(np.int64)
        labelled = (true != UNLABELLED) & (true != NOT_CONFIDENT)
        true, guess = true[labelled], guess[labelled]
        if true.size and (min(true.min(), guess.min()) < 0 or max(true.max(), guess.max()) > NOT_CONFIDENT):
            raise ValueError(f"a class id is beyond the {self.classes} classes")
        self._add(np.bincount(true << 8 | guess, minlength=1 << 16).reshape(256, 256))

    def _add(self, pairs: np.ndarray) -> None:
        """Take in (256, 256) counts, row = true id, column = predicted id."""
        pairs = np.delete(pairs, (UNLABELLED, NOT_CONFIDENT), axis=0)
        beyond = slice(self.classes + 1, NOT_CONFIDENT)
        if pairs[self.classes :].any() or pairs[:, beyond].any():
            raise ValueError(f"a class id is beyond the {self.classes} classes")
        rows = pairs[: self.classes]
        self.confusion[:, :-1] += rows[:, 1 : self.classes + 1]
        self.confusion[:, -1] += rows[:, UNLABELLED] + rows[:, NOT_CONFIDENT]

    def iou(self) -> np.ndarray:
        """IoU of each class, (N,) float64; NaN for a class neither in the targets nor in the predictions."""
        square = self.confusion[:, :-1]
        hits = np.diagonal(square)
        union = self.confusion.sum(1) + square.sum(0) - hits
        return np.divide(hits, union, out=np.full(self.classes, np.nan), where=union > 0)

    def per_class(self, names: Mapping[int, str]) -> dict[str, float]:
        """IoU by class name, of the classes in the targets or the predictions."""
        return {names[i + 1]: float(v) for i, v in enumerate(self.iou()) if not np.isnan(v)}

    def compute(self) -> dict[str, float]:
        """All figures, 0..1; NaN without a labelled pixel.

        Returns:
            ``miou``: mean IoU over the classes in the targets or the predictions (a class predicted where it
            never is counts 0); ``miou_present``: over the classes in the targets only; ``miou_all_classes``: over
            all, absent classes counted 0, as MTI-Net's reference does, so lower; ``pixel_accuracy``: share of
            labelled pixels that are right; ``classes_present``: how many classes the targets hold.
        """
        iou, total = self.iou(), self.confusion.sum()
        seen = ~np.isnan(iou)
        return {
            "miou": float(iou[seen].mean()) if seen.any() else float("nan"),
            "miou_present": float(iou[self.confusion.sum(1) > 0].mean()) if total else float("nan"),
            "miou_all_classes": float(np.nan_to_num(iou).mean()) if total else float("nan"),
            "pixel_accuracy": float(np.trace(self.confusion) / total) if total else float("nan"),
            "classes_present": float((self.confusion.sum(1) > 0).sum()),
        }


@dataclass(frozen=True)
class DepthErrors:
    """Errors of the pixels whose true depth is known, each (N,) float32, or float64 where the depths are.

    Attributes:
        true: depth, metres.
        signed: predicted less true depth, metres.
        squared: its square, m^2.
        squared_log: square of the difference of the natural logarithms.
        relative: absolute difference over the true depth.
        squared_relative: squared difference over the true depth, metres.
        ratio: of the two, either way up: at least 1.
    """

    true: np.ndarray
    signed: np.ndarray
    squared: np.ndarray
    squared_log: np.ndarray
    relative: np.ndarray
    squared_relative: np.ndarray
    ratio: np.ndarray


def depth_errors(predicted: np.ndarray, target: np.ndarray) -> Iterator[DepthErrors]:
    """The errors of ``predicted`` where ``target`` is known, some thousand pixels at a time.

    Arguments and what is raised, before the first errors, as for ``DepthMetrics.update``.
    """
    if predicted.shape != target.shape:
        raise ValueError(f"prediction of shape {predicted.shape}, target of shape {target.shape}")
    predicted, target = predicted.ravel(), target.ravel()
    known = np.isfinite(target) & (target >= NEAREST)
    if (known & ~np.isfinite(predicted)).any():
        raise ValueError("a predicted depth is not finite")
    blocks = (slice(first, first + _BLOCK) for first in range(0, target.size, _BLOCK))
    kind = np.result_type(predicted, target, np.float32)
    parts = ((predicted[b][known[b]], target[b][known[b]]) for b in blocks)
    return (_errors(g.astype(kind).clip(NEAREST), t.astype(kind)) for g, t in parts)


def _errors(guess: np.ndarray, true: np.ndarray) -> DepthErrors:
    signed, quotient = guess - true, guess / true
    squared = signed * signed
    logarithm = np.log(quotient)
    return DepthErrors(
        true=true,
        signed=signed,
        squared=squared,
        squared_log=logarithm * logarithm,
        relative=np.abs(signed) / true,
        squared_relative=squared / true,
        ratio=np.maximum(quotient, true / guess),
    )


class DepthMetrics:
    """The usual depth errors over every pixel whose true depth is known.

    Errors of float32 depths are float32 too, which takes half the time; the figures are right to 1e-6 of their value.
    Predictions nearer than ``NEAREST``, as what is not positive, count as that far.

    Attributes:
        pixels: how many were counted.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget every frame."""
        self.pixels = 0
        self._sums = np.zeros(7)

    def update(self, predicted: np.ndarray, target: np.ndarray) -> None:
        """Add a frame, or a batch.

        Args:
            predicted: metres, finite where ``target`` is known.
            target: metres, same shape; 0, negative or not finite = unknown.

        Raises:
            ValueError: shapes differ, or a prediction is not finite where the truth is known.
        """
        for errors in depth_errors(predicted, target):
            self.add(errors)

    def add(self, errors: DepthErrors) -> None:
        """Add errors made out already."""
        within = [int(np.count_nonzero(errors.ratio < 1.25**k)) for k in (1, 2, 3)]
        terms = (errors.squared, errors.squared_log, errors.relative, errors.squared_relative)
        self._sums += [*(float(term.sum()) for term in terms), *within]
        self.pixels += errors.true.size

    def merge(self, other: DepthMetrics) -> None:
        """Add what another has added up."""
        self._sums += other._sums
        self.pixels += other.pixels

    def compute(self) -> dict[str, float]:
        """All figures; NaN without a known pixel.

        Returns:
            ``rmse`` (m), ``log_rmse`` (natural logarithm), ``abs_rel``, ``sq_rel`` (m), and ``delta1``,
            ``delta2``, ``delta3``: share of pixels whose ratio to the truth, either way up, is below 1.25,
            1.25^2, 1.25^3.
        """
        names = ("rmse", "log_rmse", "abs_rel", "sq_rel", "delta1", "delta2", "delta3")
        if not self.pixels:
            return dict.fromkeys(names, float("nan"))
        means = self._sums / self.pixels
        means[:2] = np.sqrt(means[:2])
        return dict(zip(names, means.tolist(), strict=True))
