"""One figure of several seeds: its mean, what it decides, and what one row has over another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

HELPS, HURTS, UNDECIDED = "helps", "hurts", "undecided"


@dataclass(frozen=True)
class Spread:
    """One figure of some seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.values))

    @property
    def half_width(self) -> float:
        """Half the 95 % interval of the mean (Student's t); NaN for fewer than two seeds."""
        n = len(self.values)
        if n < 2:
            return math.nan
        return float(stats.t.ppf(0.975, n - 1) * np.std(self.values, ddof=1) / math.sqrt(n))

    @property
    def verdict(self) -> str:
        """Of differences: ``HELPS`` or ``HURTS`` where the interval is on one side of zero, else ``UNDECIDED``.

        So of one seed always.
        """
        if self.mean - self.half_width > 0:
            return HELPS
        return HURTS if self.mean + self.half_width < 0 else UNDECIDED


def paired(one: Mapping[int, float], other: Mapping[int, float], sign: int) -> Spread:
    """What ``one`` has over ``other``, both by seed, in the seeds they share; ``sign`` is -1 where less is better."""
    return Spread(tuple(sign * (value - other[seed]) for seed, value in one.items() if seed in other))


def over_best(
    one: Mapping[int, float], others: Mapping[str, Mapping[int, float]], sign: int
) -> tuple[str, Spread] | None:
    """Over which of ``others`` it has least, which favours that one, and how much; None where no seed is shared.

    Of those only that share most seeds with it.
    """
    found = {name: paired(one, other, sign) for name, other in others.items()}
    most = max((len(spread.values) for spread in found.values()), default=0)
    whole = [(name, spread) for name, spread in found.items() if len(spread.values) == most]
    return min(whole, key=lambda pair: np.nan_to_num(pair[1].mean, nan=np.inf)) if most else None
