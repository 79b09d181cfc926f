"""How much the label of one task tells of another's at the same pixel, without any network.

Two numbers of the joint distribution of discrete labels: the conditional entropy H(B | A), by which NCE (Tran,
Nguyen and Hassner, ICCV 2019) ranks source tasks, and the normalised mutual information.
"""

from __future__ import annotations

import numpy as np


class JointCounts:
    """How often labels a of one task and b of another meet at a pixel, added up over frames.

    Args:
        first, second: how many labels there are of each; labels are 0..n-1, others are left out.
    """

    def __init__(self, first: int, second: int) -> None:
        self.counts = np.zeros((first, second), np.int64)

    def update(self, a: np.ndarray, b: np.ndarray) -> None:
        """Count the pixels of two maps of integers, of one shape; a pixel without a label in either is left out."""
        first, second = self.counts.shape
        known = (a >= 0) & (a < first) & (b >= 0) & (b < second)
        pairs = a[known].astype(np.int64) * second + b[known].astype(np.int64)
        self.counts += np.bincount(pairs, minlength=first * second).reshape(first, second)

    def conditional_entropy(self) -> float:
        """H(B | A) in nats: what of b stays unknown when a is known; NaN without a pixel."""
        joint = self._joint()
        return _entropy(joint) - _entropy(joint.sum(1))

    def normalised_mutual_information(self) -> float:
        """I(A; B) over the mean of H(A) and H(B), 0..1; NaN where both labels are constant, or without a pixel."""
        joint = self._joint()
        first, second = _entropy(joint.sum(1)), _entropy(joint.sum(0))
        if not first + second > 0:
            return float("nan")
        return 2 * max(first + second - _entropy(joint), 0.0) / (first + second)

    def _joint(self) -> np.ndarray:
        total = self.counts.sum()
        return self.counts / total if total else np.full(self.counts.shape, np.nan)


def _entropy(probabilities: np.ndarray) -> float:
    if np.isnan(probabilities).any():
        return float("nan")
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())


class QuantileBins:
    """Continuous labels as integers, each as frequent as the others: as depth is far from uniform.

    Args:
        sample: (N,) or (N, C) values drawn from all frames; of C channels each is cut on its own, and the label is
            the combination.
        bins: of a channel.

    Attributes:
        labels: how many labels there can be.
    """

    def __init__(self, sample: np.ndarray, bins: int) -> None:
        columns = np.asarray(sample, np.float64).reshape(len(sample), -1).T
        inner = np.linspace(0, 1, bins + 1)[1:-1]
        self._edges = [np.unique(np.quantile(column, inner)) for column in columns]
        self.labels = int(np.prod([len(edges) + 1 for edges in self._edges]))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The labels of (...) values of one channel, or of (..., C): (...) int64."""
        if len(self._edges) == 1 and values.shape[-1:] != (1,):
            values = values[..., None]
        label = np.zeros(values.shape[:-1], np.int64)
        for channel, edges in enumerate(self._edges):
            label = label * (len(edges) + 1) + np.searchsorted(edges, values[..., channel], side="right")
        return label
