"""Metrics of segmentation and depth, added up over a whole data set.

Dataset-level: counts and sums are collected over all frames and divided once, so a frame weighs
by its labelled pixels. (A mean of per-frame figures is another number.)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mtl_perception.model_card import NOT_CONFIDENT, UNLABELLED


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
        labelled = (target != UNLABELLED) & (target != NOT_CONFIDENT)
        true, guess = target[labelled].astype(np.int64), predicted[labelled].astype(np.int64)
        guess[guess == NOT_CONFIDENT] = UNLABELLED
        if true.size and (min(true.min(), guess.min()) < 0 or max(true.max(), guess.max()) > self.classes):
            raise ValueError(f"a class id is beyond the {self.classes} classes")
        rows, columns = true - 1, np.where(guess == UNLABELLED, self.classes, guess - 1)
        flat = np.bincount(rows * (self.classes + 1) + columns, minlength=self.confusion.size)
        self.confusion += flat.reshape(self.confusion.shape)

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


class DepthMetrics:
    """The usual depth errors over every pixel whose true depth is known.

    Args:
        minimum, maximum: true depths outside (metres) are not counted; predictions are clamped to that range.
    """

    def __init__(self, minimum: float = 1e-3, maximum: float = np.inf) -> None:
        if not 0 < minimum < maximum:
            raise ValueError(f"depth range {minimum}..{maximum} m is not a range of positive depths")
        self.minimum, self.maximum = minimum, maximum
        self.reset()

    def reset(self) -> None:
        """Forget every frame."""
        self._pixels = 0
        self._sums = np.zeros(7)

    def update(self, predicted: np.ndarray, target: np.ndarray) -> None:
        """Add a frame, or a batch.

        Args:
            predicted: metres, finite where ``target`` is known.
            target: metres, same shape; 0, negative or not finite = unknown.

        Raises:
            ValueError: shapes differ, or a prediction is not finite where the truth is known.
        """
        if predicted.shape != target.shape:
            raise ValueError(f"prediction of shape {predicted.shape}, target of shape {target.shape}")
        known = np.isfinite(target) & (target >= self.minimum) & (target <= self.maximum)
        true, guess = target[known].astype(np.float64), predicted[known].astype(np.float64)
        if not np.isfinite(guess).all():
            raise ValueError("a predicted depth is not finite")
        guess = guess.clip(self.minimum, self.maximum)
        error = guess - true
        ratio = np.maximum(guess / true, true / guess)
        terms = (error**2, np.log(guess / true) ** 2, np.abs(error) / true, error**2 / true)
        within = (ratio < 1.25, ratio < 1.25**2, ratio < 1.25**3)
        self._sums += [float(t.sum()) for t in (*terms, *within)]
        self._pixels += true.size

    def compute(self) -> dict[str, float]:
        """All figures; NaN without a known pixel.

        Returns:
            ``rmse`` (m), ``log_rmse`` (natural logarithm), ``abs_rel``, ``sq_rel`` (m), and ``delta1``,
            ``delta2``, ``delta3``: share of pixels whose ratio to the truth, either way up, is below 1.25,
            1.25^2, 1.25^3.
        """
        names = ("rmse", "log_rmse", "abs_rel", "sq_rel", "delta1", "delta2", "delta3")
        if not self._pixels:
            return dict.fromkeys(names, float("nan"))
        means = self._sums / self._pixels
        means[:2] = np.sqrt(means[:2])
        return dict(zip(names, means.tolist(), strict=True))
