"""One figure of several seeds: its mean, and what it decides."""

from __future__ import annotations

import math
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
