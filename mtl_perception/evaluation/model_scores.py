"""What one network is worth on a recording: against the truth, from frame to frame, and beside another network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from mtl_perception.evaluation.depth_by_distance import DepthByDistance
from mtl_perception.evaluation.frames import Frame
from mtl_perception.metrics import DepthMetrics, SegmentationMetrics, depth_errors
from mtl_perception.model_card import NOT_CONFIDENT, UNLABELLED, ModelCard
from mtl_perception.network import Prediction

_SAMPLE = 20_000
"""Pixels of a frame, about, that medians and changes are made out from: an even grid."""
_NEAREST = np.float32(1e-3)
"""Metres: as the depth metrics, nothing is taken to be nearer."""
_NEXT = 1_000_000_000
"""Nanoseconds: frames farther apart are not each other's next."""


@dataclass(frozen=True, slots=True)
class FrameScores:
    """Figures of one frame and network, None where there is nothing to say; names and units as in the metrics.

    Attributes:
        index, stamp: of the frame.
        network_ms: time the network took.
    """

    index: int
    stamp: int
    network_ms: float
    depth_pixels: int = 0
    depth_rmse: float | None = None
    depth_abs_rel: float | None = None
    depth_delta1: float | None = None
    depth_median_ratio: float | None = None
    labelled_pixels: int = 0
    pixel_accuracy: float | None = None
    miou: float | None = None
    depth_change: float | None = None
    class_change: float | None = None
    agreement_depth_abs_rel: float | None = None
    agreement_class_share: float | None = None


@dataclass(frozen=True)
class _Sampled:
    stamp: int
    depth: np.ndarray
    classes: np.ndarray


class ModelScores:
    """Adds up the figures of a network.

    Args:
        card: of the network.
        reference: card of the network that it is compared with, if any.

    Attributes:
        frames: what was said of each frame.
        unknown_labels: pixels by true class id that the network has no class for; they are not counted.
    """

    def __init__(self, card: ModelCard, reference: ModelCard | None = None) -> None:
        self._names = {c.id: c.name for c in card.classes}
        self._same_classes = reference is not None and self._names == {c.id: c.name for c in reference.classes}
        self._known = np.zeros(256, np.uint8)
        self._known[list(self._names)] = list(self._names)
        self._depth, self._by_distance = DepthMetrics(), DepthByDistance()
        self._segmentation = SegmentationMetrics(max(self._names))
        self._before: _Sampled | None = None
        self.frames: list[FrameScores] = []
        self.unknown_labels: Counter[int] = Counter()

    def add(self, frame: Frame, prediction: Prediction, network_ms: float, reference: Prediction | None = None) -> None:
        """Take in what the network, and the one it is compared with, made of a frame."""
        sampled = _sampled(frame.stamp, prediction)
        figures: dict[str, Any] = {}
        if frame.depth is not None:
            figures |= self._add_depth(prediction.depth, frame.depth)
        if frame.classes is not None:
            figures |= self._add_classes(prediction.segmentation, frame.classes)
        figures |= self._change_to(sampled)
        if reference is not None:
            other = _sampled(frame.stamp, reference)
            figures["agreement_depth_abs_rel"] = float(np.mean(_relative_change(other.depth, sampled.depth)))
            if self._same_classes:
                figures["agreement_class_share"] = float(np.mean(sampled.classes == other.classes))
        self.frames.append(FrameScores(frame.index, frame.stamp, network_ms, **figures))

    def _add_depth(self, predicted: np.ndarray, true: np.ndarray) -> dict[str, Any]:
        own = DepthMetrics()
        for errors in depth_errors(predicted, true):
            own.add(errors)
            self._by_distance.add(errors)
        self._depth.merge(own)
        figures = own.compute()
        true_sample, sample = _grid(true), _grid(predicted)
        known = true_sample > 0
        ratio = float(np.median(sample[known]) / np.median(true_sample[known])) if known.any() else None
        return {
            "depth_pixels": own.pixels,
            "depth_rmse": figures["rmse"],
            "depth_abs_rel": figures["abs_rel"],
            "depth_delta1": figures["delta1"],
            "depth_median_ratio": ratio,
        }

    def _add_classes(self, predicted: np.ndarray, true: np.ndarray) -> dict[str, Any]:
        known = cv2.LUT(np.ascontiguousarray(true), self._known)
        if (strange := (known != true) & (true != NOT_CONFIDENT)).any():
            self.unknown_labels.update(true[strange].tolist())
        own = SegmentationMetrics(self._segmentation.classes)
        own.update(predicted, known)
        self._segmentation.confusion += own.confusion
        pixels = int(own.confusion.sum())
        if not pixels:
            return {}
        figures = own.compute()
        return {"labelled_pixels": pixels, "pixel_accuracy": figures["pixel_accuracy"], "miou": figures["miou"]}

    def _change_to(self, now: _Sampled) -> dict[str, float]:
        before, self._before = self._before, now
        if before is None or not 0 < now.stamp - before.stamp <= _NEXT or before.depth.shape != now.depth.shape:
            return {}
        return {
            "depth_change": float(np.median(_relative_change(before.depth, now.depth))),
            "class_change": float(np.mean(now.classes != before.classes)),
        }

    def metrics(self) -> dict[str, Any]:
        """``depth``, ``segmentation``, ``stability`` and ``agreement`` as far as there is something to say."""
        found: dict[str, Any] = {}
        if self._depth.pixels:
            found["depth"] = self._depth_metrics()
        if self._segmentation.confusion.any():
            found["segmentation"] = self._segmentation_metrics()
        changes = [f for f in self.frames if f.depth_change is not None]
        if changes:
            found["stability"] = {
                "pairs": len(changes),
                "depth_change": float(np.median([f.depth_change for f in changes])),
                "class_change": float(np.mean([f.class_change for f in changes])),
            }
        agreeing = [f for f in self.frames if f.agreement_depth_abs_rel is not None]
        if agreeing:
            found["agreement"] = {"depth_abs_rel": float(np.mean([f.agreement_depth_abs_rel for f in agreeing]))}
            if self._same_classes:
                share = float(np.mean([f.agreement_class_share for f in agreeing]))
                found["agreement"]["class_share"] = share
        return found

    def _depth_metrics(self) -> dict[str, Any]:
        ratios = [f.depth_median_ratio for f in self.frames if f.depth_median_ratio is not None]
        return {
            "frames": sum(f.depth_pixels > 0 for f in self.frames),
            "pixels": self._depth.pixels,
            **self._depth.compute(),
            "bias": self._by_distance.bias,
            **({"median_ratio": float(np.median(ratios))} if ratios else {}),
            "by_distance": self._by_distance.rows(),
        }

    def _segmentation_metrics(self) -> dict[str, Any]:
        confusion = self._segmentation.confusion
        pixels, predicted, hits = confusion.sum(1), confusion.sum(0), np.diagonal(confusion)
        classes = []
        for class_id, name in sorted(self._names.items()):
            i = class_id - 1
            if pixels[i] or predicted[i]:
                shares = {"iou": hits[i] / (pixels[i] + predicted[i] - hits[i])}
                if predicted[i]:
                    shares["precision"] = hits[i] / predicted[i]
                if pixels[i]:
                    shares["recall"] = hits[i] / pixels[i]
                shares = {key: float(value) for key, value in shares.items()}
                classes.append({"id": class_id, "name": name, "pixels": int(pixels[i]), **shares})
        figures = self._segmentation.compute()
        return {
            "frames": sum(f.labelled_pixels > 0 for f in self.frames),
            **figures,
            "classes_present": int(figures["classes_present"]),
            "classes": classes,
            "confusion": confusion.tolist(),
            **self._unknown(int(confusion.sum())),
        }

    def _unknown(self, counted: int) -> dict[str, Any]:
        if not self.unknown_labels:
            return {}
        pixels = sum(self.unknown_labels.values())
        ids = sorted(i for i in self.unknown_labels if i != UNLABELLED)
        return {"unknown_labels": {"ids": ids, "share": pixels / (pixels + counted)}}


def _sampled(stamp: int, prediction: Prediction) -> _Sampled:
    # Copies: a view would keep the whole frame.
    return _Sampled(stamp, _grid(prediction.depth).copy(), _grid(prediction.segmentation).copy())


def _relative_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.abs(after - before) / np.maximum(before, _NEAREST)


def _grid(pixels: np.ndarray) -> np.ndarray:
    step = max(1, round((pixels.size / _SAMPLE) ** 0.5))
    return pixels[step // 2 :: step, step // 2 :: step]
