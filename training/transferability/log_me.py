"""LogME: the evidence of a task's labels given features of a network (You, Liu, Wang and Long, ICML 2021)."""

from __future__ import annotations

import numpy as np

_ITERATIONS = 100
_TOLERANCE = 1e-5


def log_me(features: np.ndarray, targets: np.ndarray) -> float:
    """The logarithm of the maximum evidence of a linear model, a sample; larger is better.

    Targets y = F w + noise with w of precision alpha and noise of precision beta; the evidence p(y | F, alpha, beta)
    is maximised over both by MacKay's fixed point.

    Args:
        features: (N, D) float.
        targets: (N,) integers, which are taken one class against the others, or (N, C) float, one column after the
            other; the mean over them is given.

    Raises:
        ValueError: fewer than two samples, or not as many targets as features.
    """
    f = np.asarray(features, np.float64)
    y = np.asarray(targets)
    if len(f) != len(y) or len(f) < 2:
        raise ValueError(f"{len(f)} features and {len(y)} targets: as many of both, two or more")
    if np.issubdtype(y.dtype, np.integer):
        y = (y[:, None] == np.unique(y)).astype(np.float64)
    columns = y.reshape(len(y), -1).astype(np.float64)
    u, s, _ = np.linalg.svd(f, full_matrices=False)
    return float(np.mean([_evidence(u, s, len(f), f.shape[1], column) for column in columns.T]))


def _evidence(u: np.ndarray, s: np.ndarray, count: int, width: int, y: np.ndarray) -> float:
    """The maximum log evidence of one target over ``count``; ``u`` and ``s`` are those of the features' SVD."""
    projected = u.T @ y
    sigma, squared = s**2, projected**2
    rest = max(float(y @ y - squared.sum()), 0.0)
    """What of y no weights can explain."""
    alpha = beta = 1.0
    floor = 1e-12
    for _ in range(_ITERATIONS):
        posterior = alpha + beta * sigma
        gamma = float((beta * sigma / posterior).sum())
        weights = float((beta**2 * sigma * squared / posterior**2).sum())
        residual = rest + float((alpha**2 * squared / posterior**2).sum())
        new_alpha = gamma / max(weights, floor)
        new_beta = max(count - gamma, floor) / max(residual, floor)
        settled = abs(new_alpha / new_beta - alpha / beta) <= _TOLERANCE * alpha / beta
        alpha, beta = new_alpha, new_beta
        if settled:
            break
    posterior = alpha + beta * sigma
    weights = float((beta**2 * sigma * squared / posterior**2).sum())
    residual = rest + float((alpha**2 * squared / posterior**2).sum())
    determinant = float(np.log(posterior).sum()) + max(width - len(s), 0) * np.log(alpha)
    evidence = 0.5 * (
        width * np.log(alpha)
        + count * np.log(beta)
        - beta * residual
        - alpha * weights
        - determinant
        - count * np.log(2 * np.pi)
    )
    return evidence / count
