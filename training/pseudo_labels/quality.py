"""How good pseudo-labels are where the truth is known: how much they cover, how often they are right.

All figures are added up over pixels of all frames and divided once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtl_perception.metrics import SegmentationMetrics
from mtl_perception.model_card import NOT_CONFIDENT, UNLABELLED

LEVELS = 256
"""Values of a confidence map."""

TAUS = (*(k / 20 for k in range(20)), 0.975, 0.99)
"""Thresholds at which coverage and accuracy are given."""


class PseudoLabelQuality:
    """Coverage, accuracy and calibration of classes that a teacher, or other views, gave.

    Args:
        classes: number N of classes; ids are 1..N.
        tau: confidence above which a label is kept (paper, Experiments: 0.9); it is only reported here.
        bins: of confidence, for the calibration.
    """

    def __init__(self, classes: int, tau: float, bins: int = 20) -> None:
        if not 0 < bins <= LEVELS:
            raise ValueError(f"{bins} bins: {LEVELS} levels of confidence allow 1 to {LEVELS}")
        self.tau, self.bins = tau, bins
        self._all, self._kept = SegmentationMetrics(classes), SegmentationMetrics(classes)
        # Labelled pixels and right ones by predicted class (0: none) and confidence; pixels and kept ones of all.
        self._levels = np.zeros((2, classes + 1, LEVELS), np.int64)
        self._pixels = np.zeros(2, np.int64)

    def update(self, predicted: np.ndarray, confidence: np.ndarray, kept: np.ndarray, truth: np.ndarray) -> None:
        """Count a frame.

        Args:
            predicted: (H, W) class ids 1..N of every pixel, kept or not; 0 = none, which is never right.
            confidence: (H, W) uint8, 255 times the softmax, or the share of the votes, of that class; 0 where
                there is none.
            kept: (H, W) bool, which pixels become labels.
            truth: (H, W) class ids; 0 and 255 = unlabelled.

        Raises:
            ValueError: shapes differ, ``confidence`` is not uint8, ``kept`` not bool, or an id is no class.
        """
        _check_maps(confidence, kept, predicted, truth)
        if predicted.size and not 0 <= predicted.min() <= predicted.max() <= self._all.classes:
            raise ValueError(f"a predicted class id is none of 0..{self._all.classes}")
        if (kept | (confidence > 0))[predicted == UNLABELLED].any():
            raise ValueError("a pixel without a predicted class is kept, or has confidence")
        self._all.update(predicted, truth)
        self._kept.update(predicted, np.where(kept, truth, UNLABELLED))
        labelled = (truth != UNLABELLED) & (truth != NOT_CONFIDENT)
        right = labelled & (predicted == truth)
        cell = predicted.astype(np.int64) * LEVELS + confidence
        self._levels += [
            np.bincount(cell[mask], minlength=self._levels[0].size).reshape(-1, LEVELS) for mask in (labelled, right)
        ]
        self._pixels += [kept.size, np.count_nonzero(kept)]

    def compute(self) -> dict[str, Any]:
        """All figures; shares are 0..1, NaN where there is nothing to divide by.

        Returns:
            ``tau``; ``pixels``, ``labelled_pixels`` (true class known); of the labelled pixels ``coverage`` (share
            kept), ``accuracy`` and ``miou`` of those kept, ``accuracy_all`` and ``miou_all`` of all;
            ``coverage_all_pixels``: share kept of all pixels, labelled or not. mIoU is over the classes in truth or
            prediction of the pixels counted.

            ``per_class``: class id to ``pixels`` (that truly are of the class), ``coverage`` (share of these kept),
            and, of kept pixels, ``precision`` (share of those given the class that are of it) and ``recall`` (share of
            those of the class that were given it); of the labelled pixels given the class, kept or not,
            ``mean_confidence``, ``accuracy`` (share right) and ``calibration_error``; only classes in truth or
            prediction.

            ``calibration``: ``error`` (expected calibration error: mean distance of accuracy and confidence over the
            bins, weighted by pixels), ``mean_confidence``, and ``bins``: ``low``, ``high``, ``count``, and mean
            ``confidence`` and ``accuracy``, of all labelled pixels.

            ``curve``: ``coverage`` and ``accuracy`` for several ``tau``.
        """
        every, kept = self._all.compute(), self._kept.compute()
        labelled = int(self._all.confusion.sum())
        return {
            "tau": self.tau,
            "pixels": int(self._pixels[0]),
            "labelled_pixels": labelled,
            "coverage": _share(self._kept.confusion.sum(), labelled),
            "coverage_all_pixels": _share(self._pixels[1], self._pixels[0]),
            "accuracy": kept["pixel_accuracy"],
            "accuracy_all": every["pixel_accuracy"],
            "miou": kept["miou"],
            "miou_all": every["miou"],
            "per_class": self._per_class(),
            "calibration": self._calibration(self._levels.sum(1)),
            "curve": self._curve(),
        }

    def _per_class(self) -> dict[int, dict[str, float]]:
        every, kept = (m.confusion for m in (self._all, self._kept))
        given = [self._calibration(self._levels[:, i + 1]) for i in range(self._all.classes)]
        return {
            i + 1: {
                "pixels": int(every[i].sum()),
                "coverage": _share(kept[i].sum(), every[i].sum()),
                "precision": _share(kept[i, i], kept[:, i].sum()),
                "recall": _share(kept[i, i], kept[i].sum()),
                "mean_confidence": given[i]["mean_confidence"],
                "accuracy": _share(every[i, i], every[:, i].sum()),
                "calibration_error": given[i]["error"],
            }
            for i in range(self._all.classes)
            if every[i].any() or every[:, i].any()
        }

    def _calibration(self, counts: np.ndarray) -> dict[str, Any]:
        """Of ``counts`` (2, LEVELS) of labelled pixels and right ones."""
        levels = np.arange(LEVELS)
        # In whole numbers: a confidence on the edge of two bins belongs to the upper one.
        bin_of_level = np.minimum(levels * self.bins // (LEVELS - 1), self.bins - 1)
        count, right, confidence = (
            np.bincount(bin_of_level, weights, self.bins) for weights in (*counts, counts[0] * levels / 255)
        )
        total = count.sum()
        return {
            "error": _share(np.abs(right - confidence).sum(), total),
            "mean_confidence": _share(confidence.sum(), total),
            "bins": [
                {
                    "low": k / self.bins,
                    "high": (k + 1) / self.bins,
                    "count": int(count[k]),
                    "confidence": _share(confidence[k], count[k]),
                    "accuracy": _share(right[k], count[k]),
                }
                for k in range(self.bins)
            ],
        }

    def _curve(self) -> list[dict[str, float]]:
        points = []
        levels = self._levels.sum(1)
        for tau in TAUS:
            count, right = levels[:, np.arange(LEVELS) > 255 * tau].sum(1)
            points.append({"tau": tau, "coverage": _share(count, levels[0].sum()), "accuracy": _share(right, count)})
        return points


class DepthPseudoLabelQuality:
    """Coverage and error of depth that a teacher gave, and whether its confidence ranks the pixels well."""

    _TERMS = ("count", "abs_rel", "squared", "delta1")

    def __init__(self) -> None:
        # Sums over the pixels with a known truth and a prediction, by kept or not, confidence, and term.
        self._sums = np.zeros((2, LEVELS, len(self._TERMS)))
        self._pixels = np.zeros(3, np.int64)  # all, kept, with a known truth

    def update(self, predicted: np.ndarray, confidence: np.ndarray, kept: np.ndarray, truth: np.ndarray) -> None:
        """Count a frame.

        Args:
            predicted: (H, W) metres; 0 = none, which is not kept and has no error.
            confidence: (H, W) uint8, higher where the depth is surer.
            kept: (H, W) bool, which pixels become labels.
            truth: (H, W) metres; 0, negative or not finite = unknown.

        Raises:
            ValueError: shapes differ, ``confidence`` is not uint8, ``kept`` not bool, or a prediction is negative or
                not finite.
        """
        _check_maps(confidence, kept, predicted, truth)
        if not (np.isfinite(predicted) & (predicted >= 0)).all():
            raise ValueError("a predicted depth is negative or not finite")
        known = np.isfinite(truth) & (truth > 0)
        kept = kept & (predicted > 0)
        counted = known & (predicted > 0)
        true, guess = truth[counted].astype(np.float64), predicted[counted].astype(np.float64)
        error = guess - true
        within = np.maximum(guess / true, true / guess) < 1.25
        cell = kept[counted] * LEVELS + confidence[counted].astype(np.int64)
        for term, values in enumerate((np.ones_like(error), np.abs(error) / true, error**2, within)):
            self._sums[..., term] += np.bincount(cell, values, 2 * LEVELS).reshape(2, LEVELS)
        self._pixels += [kept.size, np.count_nonzero(kept), np.count_nonzero(known)]

    def compute(self) -> dict[str, Any]:
        """All figures; NaN where there is nothing to divide by.

        Returns:
            ``pixels``, ``known_pixels`` (true depth known); ``coverage``: share kept of the known pixels,
            ``coverage_all_pixels``: of all; ``abs_rel``, ``rmse`` (m) and ``delta1`` of the known pixels that are kept,
            and the same ending in ``_all`` of all that have a prediction.

            ``curve``: ``coverage``, ``abs_rel`` and ``rmse`` of the surest known pixels, from few to all: those whose
            ``confidence`` (0..1) is this or higher.
        """
        by_level = self._sums.sum(0)
        pixels, kept, known = (int(n) for n in self._pixels)
        errors, errors_all = self._errors(self._sums[1].sum(0)), self._errors(by_level.sum(0))
        curve = []
        for level in np.flatnonzero(by_level[:, 0])[::-1]:
            surest = by_level[level:].sum(0)
            error = self._errors(surest)
            curve.append(
                {
                    "confidence": int(level) / (LEVELS - 1),
                    "coverage": _share(surest[0], known),
                    "abs_rel": error["abs_rel"],
                    "rmse": error["rmse"],
                }
            )
        return {
            "pixels": pixels,
            "known_pixels": known,
            "coverage": _share(self._sums[1, :, 0].sum(), known),
            "coverage_all_pixels": _share(kept, pixels),
            **errors,
            **{f"{name}_all": value for name, value in errors_all.items()},
            "curve": curve,
        }

    def _errors(self, sums: np.ndarray) -> dict[str, float]:
        count, abs_rel, squared, within = sums
        return {
            "abs_rel": _share(abs_rel, count),
            "rmse": float(np.sqrt(_share(squared, count))),
            "delta1": _share(within, count),
        }


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")


def _check_maps(confidence: np.ndarray, kept: np.ndarray, *others: np.ndarray) -> None:
    shapes = [m.shape for m in (*others, confidence, kept)]
    if len(set(shapes)) > 1:
        raise ValueError(f"prediction, truth, confidence and kept have shapes {', '.join(map(str, shapes))}")
    if confidence.dtype != np.uint8 or kept.dtype != bool:
        raise ValueError(f"confidence is {confidence.dtype}, not uint8, or kept is {kept.dtype}, not bool")
