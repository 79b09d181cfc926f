"""What one row has over the best of others, seed by seed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.spread import UNDECIDED, Spread, over_best, paired

figures = st.dictionaries(st.integers(0, 4), st.floats(0, 1), min_size=1)


def test_the_half_width_is_that_of_students_t():
    assert Spread((1.0, 2.0, 4.0)).half_width == pytest.approx(4.302653 * math.sqrt(7 / 3) / math.sqrt(3))
    assert math.isnan(Spread((1.0,)).half_width) and Spread((1.0,)).verdict == UNDECIDED


def test_the_best_of_others_is_the_best_in_the_seeds_that_are_compared():
    """Not the one whose other seeds are easy, or hard."""
    others = {"a": {0: 0.50, 1: 0.10}, "b": {0: 0.40, 1: 0.40}}
    over, difference = over_best({0: 0.45}, others, 1)
    assert over == "a" and difference.values == pytest.approx((-0.05,))
    over, difference = over_best({0: 0.45}, others, -1)  # An error: less is better.
    assert over == "b" and difference.values == pytest.approx((-0.05,))
    assert over_best({2: 0.45}, others, 1) is None and over_best({0: 0.45}, {}, 1) is None


@given(figures, st.dictionaries(st.sampled_from("abc"), figures), st.sampled_from((1, -1)))
def test_no_other_of_as_many_seeds_would_leave_less(one, others, sign):
    found = over_best(one, others, sign)
    differences = [paired(one, other, sign) for other in others.values()]
    most = max((len(difference.values) for difference in differences), default=0)
    assert (found is None) == (most == 0)
    if found:
        assert found[1] == paired(one, others[found[0]], sign) and len(found[1].values) == most
        assert found[1].mean == min(d.mean for d in differences if len(d.values) == most)
