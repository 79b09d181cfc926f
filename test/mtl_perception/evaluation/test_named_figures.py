"""Which way a figure is better is told alike by the report, by limits and by comparisons."""

from __future__ import annotations

import math

import pytest

from mtl_perception.evaluation.named_figures import FIGURES, badness
from mtl_perception.evaluation.report.told import GROUPS


def test_the_report_and_the_comparison_agree_on_what_is_better():
    told = {one.path: one.better for group in GROUPS for one in group.figures if one.better}
    both = [figure for figure in FIGURES if figure.path in told]
    assert len(both) > 12
    assert {figure.name: figure.better for figure in both} == {figure.name: told[figure.path] for figure in both}


@pytest.mark.parametrize(
    ("better", "from_best_to_worst"),
    [
        ("more", (0.9, 0.5, -1.0)),
        ("less", (-1.0, 0.1, 2.0)),
        ("nearer 0", (0.01, -0.2, 0.3)),
        ("nearer 1", (1.0, 0.9, 1.5, 0.5, 3.0, 0.0)),
    ],
)
def test_the_better_a_figure_the_less_its_badness(better, from_best_to_worst):
    found = [badness(value, better) for value in from_best_to_worst]
    assert found == sorted(found) and len(set(found)) == len(found)


def test_half_of_the_depth_is_as_wrong_as_twice():
    assert badness(0.5, "nearer 1") == pytest.approx(badness(2.0, "nearer 1"))
    assert badness(-1.0, "nearer 1") == math.inf
