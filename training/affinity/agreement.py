"""How well the cheap version of a study agrees with the whole one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats

from training.affinity.matrix_file import gains
from training.errors import ConfigurationError

LEAST_PAIRS = 3


def agreement(full: dict[str, Any], cheap: dict[str, Any]) -> dict[str, Any]:
    """Rank correlations of two matrices over the effects that both have.

    Args:
        full: as ``report.as_json`` gives it.
        cheap: the same of the cheap version.

    Returns:
        ``pairs``: how many effects; ``spearman`` and ``kendall`` of the relative effects, with ``spearman_p`` and
        ``kendall_p``, the chance of as much by luck if effects were independent; ``same_sign``: share of the effects
        with the same sign; ``right`` of ``choices``: how often both prefer the same of two tasks to give for a third.

    Raises:
        ConfigurationError: they are of other tasks, or have fewer than three effects in common.
    """
    if full["tasks"] != cheap["tasks"] or full["labels"] != cheap["labels"]:
        raise ConfigurationError(
            f"{full['study']} and {cheap['study']} are of other tasks or numbers of labels: run both anew of the same"
        )
    whole = gains(full)
    both = {pair: (whole[pair], gain) for pair, gain in gains(cheap).items() if pair in whole}
    if len(both) < LEAST_PAIRS:
        raise ConfigurationError(f"{len(both)} effects in both: a rank correlation takes {LEAST_PAIRS} or more")
    one, other = zip(*both.values(), strict=True)
    spearman, kendall = stats.spearmanr(one, other), stats.kendalltau(one, other)
    return {
        "pairs": len(both),
        "spearman": float(spearman.statistic),
        "spearman_p": float(spearman.pvalue),
        "kendall": float(kendall.statistic),
        "kendall_p": float(kendall.pvalue),
        "same_sign": sum((a > 0) == (b > 0) for a, b in both.values()) / len(both),
        **better_of_two(both),
    }


def better_of_two(both: Mapping[str, tuple[float, float]]) -> dict[str, float | int]:
    """How often two numbers agree on which of two sources is the better one for the same target.

    Args:
        both: the two numbers by pair ``FROM>TO``; more is better.

    Returns:
        ``right``, a tie being half, of ``choices``; half of these are right by chance.
    """
    right = [
        (1 + np.sign((one[0] - other[0]) * (one[1] - other[1]))) / 2
        for (pair, one), (another, other) in itertools.combinations(both.items(), 2)
        if pair.split(">")[1] == another.split(">")[1]
    ]
    return {"right": float(sum(right)), "choices": len(right)}


def in_words(values: dict[str, Any], name: str) -> str:
    """The agreement as lines to read."""
    return (
        f"{name}: cheap and whole matrix over {values['pairs']} effects\n"
        f"  Spearman's rank correlation {values['spearman']:+.2f} (p {values['spearman_p']:.2g})\n"
        f"  Kendall's                   {values['kendall']:+.2f} (p {values['kendall_p']:.2g})\n"
        f"  same sign in                {100 * values['same_sign']:.0f} % of the effects\n"
        f"  same better of two to give  {values['right']:g} of {values['choices']} (half by chance)\n"
        "The correlations are also of which task gains most by anything; the last line is not."
    )
