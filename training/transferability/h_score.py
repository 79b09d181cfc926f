"""H-score: how far the features of a network tell a task's labels apart (Bao et al., ICIP 2019)."""

from __future__ import annotations

import numpy as np


def h_score(features: np.ndarray, labels: np.ndarray) -> float:
    """tr(cov(f)^-1 cov(E[f | y])): large where features differ between labels and not within; 0 at the least.

    Directions in which the features hardly vary are left out (pseudo-inverse).

    Args:
        features: (N, D) float.
        labels: (N,) integers.

    Raises:
        ValueError: fewer than two samples, or not as many labels as features.
    """
    f = np.asarray(features, np.float64)
    if len(f) != len(labels) or len(f) < 2:
        raise ValueError(f"{len(f)} features and {len(labels)} labels: as many of both, two or more")
    f = f - f.mean(0)
    values, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(values), f.shape[1]))
    np.add.at(sums, inverse, f)
    between = (sums / counts[:, None])[inverse]
    covariance = f.T @ f / len(f)
    covariance_between = between.T @ between / len(f)
    return float(np.trace(np.linalg.pinv(covariance, rcond=1e-8, hermitian=True) @ covariance_between))
