"""Whether the paper's order holds: single-task worse than multi-task, multi-task worse than the student."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.spread import HELPS, HURTS, Spread

SAME_EPOCHS, SAME_STEPS, QUARTER = "same epochs", "same steps", "quarter"
"""Comparisons: with the same epochs the student, who has four times the points, takes four times the steps; with the
same steps all take the student's, or all a quarter of these."""
LENGTHS = {
    SAME_EPOCHS: {"st": "short", "mtl": "short", "ts": "long", "blind": "long"},
    SAME_STEPS: dict.fromkeys(("st", "mtl", "ts", "blind"), "long"),
    QUARTER: dict.fromkeys(("st", "mtl", "ts", "blind"), "short"),
}
"""At which length a comparison looks at each row."""
ORDER = (("st", "mtl"), ("mtl", "ts"))
"""The paper's order as pairs (worse, better)."""


@dataclass(frozen=True)
class Count:
    """In how many of some settings a claim holds.

    Attributes:
        mean: by the means over the seeds.
        clearly: also with a 95 % interval of the seed-by-seed differences that excludes zero.
        clearly_not: the interval excludes zero on the other side.
    """

    mean: int
    clearly: int
    clearly_not: int


def difference(result: Mapping[str, Any], comparison: str, worse: str, better: str) -> Spread:
    """Seed by seed, the error of ``worse`` less that of ``better``: above 0 where the claim holds."""
    lengths = LENGTHS[comparison]
    pairs = zip(result["errors"][worse][lengths[worse]], result["errors"][better][lengths[better]], strict=True)
    return Spread(tuple(first - second for first, second in pairs))


def holds(result: Mapping[str, Any], comparison: str) -> bool:
    """Whether the order holds on the means over the seeds."""
    return all(difference(result, comparison, *pair).mean > 0 for pair in ORDER)


def seeds_that_hold(result: Mapping[str, Any], comparison: str) -> int:
    """Seeds in which the order holds."""
    differences = [difference(result, comparison, *pair).values for pair in ORDER]
    return sum(all(value > 0 for value in values) for values in zip(*differences, strict=True))


def count_order(results: Sequence[Mapping[str, Any]], comparison: str) -> Count:
    """In how many settings the whole order holds; clearly not where one of its pairs is clearly the other way round."""
    spreads = [[difference(result, comparison, *pair) for pair in ORDER] for result in results]
    return Count(
        sum(holds(result, comparison) for result in results),
        sum(all(spread.verdict == HELPS for spread in pairs) for pairs in spreads),
        sum(any(spread.verdict == HURTS for spread in pairs) for pairs in spreads),
    )


def count_pair(results: Sequence[Mapping[str, Any]], comparison: str, worse: str, better: str) -> Count:
    """In how many settings ``better`` is the better one."""
    spreads = [difference(result, comparison, worse, better) for result in results]
    return Count(
        sum(spread.mean > 0 for spread in spreads),
        sum(spread.verdict == HELPS for spread in spreads),
        sum(spread.verdict == HURTS for spread in spreads),
    )
