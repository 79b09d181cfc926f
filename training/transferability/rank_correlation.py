"""How well each predictor ranks the pairs of tasks as training did."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import kendalltau, spearmanr

from training.affinity.agreement import better_of_two
from training.transferability.measures import HELPS_WHEN_LESS

LEAST_PAIRS = 4


def rank_correlations(
    pairs: Mapping[str, Mapping[str, float]], gains: Mapping[str, float]
) -> dict[str, dict[str, float | int]]:
    """Rank correlation of each measure with the gains, over the pairs that both know.

    Args:
        pairs: as ``measure_pairs`` gives them.
        gains: by pair ``FROM>TO``; more is better.

    Returns:
        By measure ``spearman`` and ``kendall``, positive where the measure foretells, ``spearman_p``, the chance of
        as much by luck, and ``pairs``; of two sources for one target ``right``, how often it prefers the better one (a
        tie is half), of ``choices``. Only these are free of what makes one target's numbers differ from another's. A
        measure known of fewer than ``LEAST_PAIRS``, or alike for all, is left out.
    """
    found: dict[str, dict[str, float | int]] = {}
    for name in dict.fromkeys(name for values in pairs.values() for name in values):
        sign = -1 if name in HELPS_WHEN_LESS else 1
        both = {
            pair: (sign * values[name], gains[pair])
            for pair, values in pairs.items()
            if pair in gains and np.isfinite(values.get(name, np.nan))
        }
        foretold, gained = zip(*both.values(), strict=True) if both else ((), ())
        if len(both) < LEAST_PAIRS or len(set(foretold)) == 1 or len(set(gained)) == 1:
            continue
        spearman = spearmanr(foretold, gained)
        found[name] = {
            "spearman": float(spearman.statistic),
            "spearman_p": float(spearman.pvalue),
            "kendall": float(kendalltau(foretold, gained).statistic),
            "pairs": len(both),
            **better_of_two(both),
        }
    return found
