"""Every predictor for every ordered pair of tasks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.transferability.h_score import h_score
from training.transferability.label_information import JointCounts, QuantileBins
from training.transferability.log_me import log_me
from training.transferability.representation_similarity import linear_cka, representation_similarity
from training.transferability.sampling import CHANNELS, Points

BINS = {1: 16, 2: 6, 3: 4}
"""Quantiles of a channel, by the number of channels of a continuous label."""
LEAST_POINTS = 100

MEASURES = {
    "conditional_entropy": "H(to | from) of the labels, nats; less: the one decides the other",
    "mutual_information": "normalised mutual information of the labels",
    "log_me": "LogME of the features of the network of `from` for the labels of `to`",
    "h_score": "H-score of these",
    "cka": "linear CKA of the two networks' features",
    "rsa": "RSA of these",
}
HELPS_WHEN_LESS = ("conditional_entropy",)


def measure_pairs(points: Points) -> dict[str, dict[str, float]]:
    """Of each pair ``FROM>TO`` every measure that the points allow; NaN where fewer than ``LEAST_POINTS`` are known.

    Measures of features are there for tasks that ``points`` has a network of.
    """
    classes = {task: _classes(task, label) for task, label in points.labels.items()}
    pairs = {}
    for first in points.labels:
        for second in points.labels:
            if first != second:
                pairs[f"{first}>{second}"] = {
                    **_of_labels(classes[first], classes[second]),
                    **_of_features(points, first, second, classes[second]),
                }
    return pairs


def _of_labels(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    if ((first >= 0) & (second >= 0)).sum() < LEAST_POINTS:
        return {"conditional_entropy": float("nan"), "mutual_information": float("nan")}
    counts = JointCounts(int(first.max()) + 1, int(second.max()) + 1)
    counts.update(first, second)
    return {
        "conditional_entropy": counts.conditional_entropy(),
        "mutual_information": counts.normalised_mutual_information(),
    }


def _of_features(points: Points, first: str, second: str, classes: np.ndarray) -> dict[str, float]:
    found: dict[str, float] = {}
    features: Mapping[str, np.ndarray] = points.features
    if first in features:
        known = classes >= 0
        enough = known.sum() >= LEAST_POINTS
        target = points.labels[second][known]
        if second in CHANNELS and enough:  # in units of its own spread, so that tasks are comparable
            target = (target - target.mean(0)) / np.maximum(target.std(0), 1e-12)
        found["log_me"] = log_me(features[first][known], target) if enough else float("nan")
        found["h_score"] = h_score(features[first][known], classes[known]) if enough else float("nan")
    if first in features and second in features:
        found["cka"] = linear_cka(points.pooled[first], points.pooled[second])
        found["rsa"] = representation_similarity(points.pooled[first], points.pooled[second])
    return found


def _classes(task: str, label: np.ndarray) -> np.ndarray:
    """The label as integers from 0, -1 where unknown."""
    if task not in CHANNELS:
        return label
    known = np.isfinite(label).all(1)
    classes = np.full(len(label), -1)
    if known.any():
        classes[known] = QuantileBins(label[known], BINS[label.shape[1]])(label[known])
    return classes
