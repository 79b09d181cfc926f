"""How alike two networks see the same inputs: linear CKA and RSA."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr


def linear_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Centred kernel alignment with linear kernels (Kornblith et al., ICML 2019, section 3), 0..1.

    It does not change when the features of one are rotated, or scaled all alike. NaN where one is constant.

    Args:
        first, second: (N, D1) and (N, D2), features of the same N inputs.
    """
    x, y = (np.asarray(f, np.float64) - np.mean(f, 0, dtype=np.float64) for f in _of_the_same_inputs(first, second))
    norm = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / norm) if norm > 0 else float("nan")


def representation_similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Representation similarity analysis, as Dwivedi and Roig (CVPR 2019) rank tasks by it, -1..1.

    Spearman's correlation of how unlike (1 - Pearson's correlation of their features) each two inputs are to the one
    network and to the other.

    Args:
        first, second: (N, D1) and (N, D2), features of the same N inputs, three or more.
    """
    first, second = _of_the_same_inputs(first, second)
    upper = np.triu_indices(len(first), 1)
    unlike = [1 - np.corrcoef(np.asarray(f, np.float64))[upper] for f in (first, second)]
    return float(spearmanr(*unlike).statistic)


def _of_the_same_inputs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(first) != len(second) or len(first) < 3:
        raise ValueError(f"features of {len(first)} and {len(second)} inputs: of the same, three or more")
    return first, second
