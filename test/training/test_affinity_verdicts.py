"""What a matrix of tasks says: effects, conditions, table, and the agreement of two matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.affinity.agreement import agreement
from training.affinity.conditions import Condition, condition
from training.affinity.effects import Effect, effects, relative_matrix
from training.affinity.matrix_file import read_matrix
from training.affinity.report import conditions, markdown
from training.affinity.study import AffinityStudy
from training.errors import ConfigurationError
from training.spread import HELPS, HURTS, UNDECIDED, Spread


def effect(given: str, task: str, without: tuple[float, ...], with_teacher: tuple[float, ...]) -> Effect:
    return Effect(given, task, "multi", Spread(without), Spread(with_teacher))


UP, DOWN, AROUND = (0.52, 0.61, 0.72), (0.49, 0.58, 0.69), (0.52, 0.58, 0.71)
BASE = (0.5, 0.6, 0.7)


@pytest.mark.parametrize(
    ("first_on_second", "second_on_first", "expected"),
    [
        (UP, UP, Condition.ONE),
        (DOWN, UP, Condition.TWO),
        (UP, DOWN, Condition.TWO_MIRRORED),
        (DOWN, DOWN, Condition.THREE),
        (AROUND, UP, Condition.UNDECIDED),
        (UP, AROUND, Condition.UNDECIDED),
    ],
)
def test_conditions_follow_from_the_two_effects(first_on_second, second_on_first, expected):
    """Both tasks' figures are better where they are higher."""
    shift = {UP: (0.52, 0.62, 0.722), DOWN: (0.48, 0.58, 0.678), AROUND: AROUND}
    one = effect("edges", "semantic", BASE, shift[first_on_second])
    other = effect("semantic", "edges", BASE, shift[second_on_first])
    assert condition(one, other) is expected


def test_a_figure_that_is_better_lower_gains_by_falling():
    found = effect("semantic", "depth", (1.0, 1.2), (0.9, 1.1))
    assert found.difference.values == pytest.approx((0.1, 0.1)) and found.verdict == HELPS
    assert found.relative == pytest.approx(0.1 / 1.1)
    assert effect("depth", "semantic", (0.9, 1.1), (0.8, 1.0)).verdict == HURTS
    assert effect("depth", "semantic", (0.9,), (1.0,)).verdict == UNDECIDED
    from_nothing = effect("depth", "semantic", (0.0, 0.0), (0.1, 0.2))
    assert math.isnan(from_nothing.relative) and from_nothing.difference.mean == pytest.approx(0.15)


def results(seeds: int, alone: float = 0.25) -> list[dict]:
    """Depth as input raises semantic's mIoU by a tenth; classes as input raise depth's error."""
    made = []
    for seed in range(seeds):
        for row, rmse, miou in (
            ("uneven_depth", 0.5, 0.30),
            ("student_depth", 0.5, 0.33),
            ("uneven_semantic", 0.5, 0.4),
            ("student_semantic", 0.6, 0.4),
            ("multi", 0.55, 0.2),
            ("single_depth", 0.58, math.nan),
            ("single_semantic", math.nan, alone),
        ):
            values = {"rmse": rmse + 0.01 * seed, "miou_present": miou + 0.02 * seed}
            made.append(
                {
                    "row": row,
                    "seed": seed,
                    "steps": 2,
                    "budget_name": row,
                    "seconds": 1,
                    "measured": {"r": {"frames": 3, "values": values}},
                }
            )
    return made


def test_the_matrix_is_read_the_right_way_round():
    made = results(3)
    made[8]["measured"]["r"]["values"]["miou_present"] += 0.001
    found = effects(("depth", "semantic"), "r", made)
    matrix = relative_matrix(("depth", "semantic"), found)
    assert np.isnan(np.diag(matrix)).all() and matrix[0, 1] == pytest.approx(0.0303 / 0.32, rel=0.01)
    assert matrix[1, 0] == pytest.approx(-0.1 / 0.51)
    assert conditions(("depth", "semantic"), found) == {
        (
            "depth",
            "semantic",
        ): "Condition 2, mirrored: depth improves semantic; given semantic, depth is worse than without a teacher"
    }
    study = AffinityStudy(
        name="s",
        dataset="d",
        split="train",
        report="r",
        tasks=("depth", "semantic"),
        plenty=6,
        few=2,
        seeds=(0,),
        steps=2,
        teacher_steps=1,
    )
    table = markdown(study, found, made, "s.png")
    assert "| depth | - | +9.5 ± 0.4 % (+3 ± 0.14) plenty of depth |" in table
    assert "| semantic | -19.6 ± 0.0 % (-0.1 ± " in table
    assert "pilot" not in table and "| plenty of depth | 2, 6 of depth | 2 | 3 |" in table


def test_a_student_is_compared_with_the_best_that_there_is_without_a_teacher():
    """More of the one label alone may ruin the other task; that a teacher mends this is no help of a task."""
    found = effects(("depth", "semantic"), "r", results(3, alone=0.35))["depth", "semantic"]
    assert found.over == "single_semantic" and found.verdict == HURTS
    assert found.difference.values == pytest.approx((-0.02,) * 3)
    # Without all that it is to be compared with nothing is said yet.
    assert effects(("depth", "semantic"), "r", [r for r in results(3) if r["row"] != "multi"]) == {}


def test_agreement_is_also_of_the_better_of_two_to_give():
    """Ranks over all agree where tasks differ in what they gain from anything, even if no choice does."""

    def made(*values):
        pairs = dict(zip(("a>c", "b>c", "a>d", "b>d"), ({"relative": value} for value in values), strict=True))
        return {"study": "s", "tasks": ["a"], "labels": {}, "pairs": pairs}

    found = agreement(made(0.1, 0.2, 1.1, 1.2), made(0.2, 0.1, 1.2, 1.1))
    assert found["spearman"] > 0.5 and (found["right"], found["choices"]) == (0, 2)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"study": "s"}', '{"study": "s", "tasks": 0, "labels": 0, "pairs": {"a>b": {}}}']
)
def test_a_file_that_is_no_matrix_is_named(tmp_path, content):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"m\.json is no "):
        read_matrix(tmp_path / "m.json")


def test_agreement_is_of_ranks():
    def made(values):
        pairs = {f"a>{i}": {"relative": value} for i, value in enumerate(values)}
        return {"study": "s", "tasks": ["a"], "labels": {}, "pairs": pairs}

    same = agreement(made([0.1, 0.2, -0.3, 0.4]), made([1.0, 2.0, -30.0, 4.0]))
    assert same["spearman"] == pytest.approx(1) and same["kendall"] == pytest.approx(1) and same["same_sign"] == 1
    other = agreement(made([0.1, 0.2, 0.3]), made([-0.1, -0.2, -0.3]))
    assert other["spearman"] == pytest.approx(-1) and other["same_sign"] == 0
    assert (other["right"], other["choices"]) == (0, 0)
    with pytest.raises(ConfigurationError, match="2 effects in both"):
        agreement(made([0.1, 0.2]), made([0.1, 0.2]))
    with pytest.raises(ConfigurationError, match="other tasks or numbers"):
        agreement(made([0.1]), {**made([0.1]), "tasks": ["b"]})
