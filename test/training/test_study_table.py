"""What a study's tables say of what was measured."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tiny_study import tiny_study

from training.reproduce.row import read_row
from training.reproduce.summary import at_best_length, gains
from training.reproduce.table import markdown
from training.spread import Spread


def result(row: str, steps: int, chosen: float, reported: float, **iou: float) -> dict:
    measured = {
        "balls:choose": {"values": {"miou_present": chosen}},
        "balls:val": {"values": {"miou_present": reported}, "iou": iou},
    }
    return {"row": row, "budget_name": "b", "steps": steps, "seed": 0, "measured": measured}


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8))
def test_intervals_are_students(values):
    spread = Spread(tuple(values))
    if np.std(values) > 1e-6:
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert spread.mean - spread.half_width == pytest.approx(low, abs=1e-6)
        assert spread.mean + spread.half_width == pytest.approx(high, abs=1e-6)


def test_one_seed_has_no_interval():
    assert math.isnan(Spread((1.0,)).half_width)


def test_a_figure_that_a_seed_lacks_is_no_end(tmp_path):
    """Where a seed's network has no such figure, its file has none."""
    study = tiny_study(tmp_path)
    lacking = {**result("umst_s", 1, 0.6, 0.2), "seed": 1, "measured": {"balls:val": {"values": {}}}}
    for results in ([result("umst_s", 1, 0.6, 0.2), lacking], [lacking, result("umst_s", 1, 0.6, 0.2)]):
        assert "| UMST-S | rgb | 1 | 2 | nan" in markdown(study, results)


def test_the_length_is_chosen_without_a_look_at_what_is_reported(tmp_path):
    study = tiny_study(tmp_path)
    results = [result("umst_s", 1, 0.6, 0.2), result("umst_s", 2, 0.5, 0.9)]
    (best,) = at_best_length(study, results, "miou_present")
    assert best.steps == 1 and best.figures["miou_present"].mean == 0.2
    assert "| UMST-S | 20.0 | 1 |" in markdown(study, results)


def test_a_length_that_lacks_seeds_is_not_the_best(tmp_path):
    study = tiny_study(tmp_path)
    lucky = result("umst_s", 2, 0.9, 0.9)
    results = [result("umst_s", 1, 0.6, 0.2), {**result("umst_s", 1, 0.5, 0.3), "seed": 1}, lucky]
    assert [cell.steps for cell in at_best_length(study, results, "miou_present")] == [1]
    unlucky = {**result("umst_s", 2, 0.8, 0.7), "seed": 1}
    assert "| UMST-S | 80.0 ± 127.1 | 2 (longest) |" in markdown(study, [*results, unlucky])


def test_gains_are_told_seed_by_seed_over_the_best_row_without_a_teacher(tmp_path):
    """A seed whose budget is a bad draw is bad for all rows: pairs tell apart what means with wide intervals do not."""
    rows = ["umst_s", "ummt", "ummt_ps", "ceiling"]
    study = tiny_study(tmp_path, rows=rows, baselines=["umst_s", "ummt"], ceiling="ceiling")
    figures = {"umst_s": (0.1, 0.2, 0.3), "ummt": (0.2, 0.3, 0.4), "ummt_ps": (0.41, 0.32, 0.51), "ceiling": (0.6,) * 3}
    results = [
        {**result(row, 1, value, value), "seed": seed}
        for row, values in figures.items()
        for seed, value in enumerate(values)
    ]
    shuffled = [results[i] for i in np.random.default_rng(0).permutation(len(results))]
    gain, most = gains(study, shuffled, "miou_present")
    assert (most.row, most.over, most.share) == ("ceiling", "ummt", 1.0)
    assert sorted(most.difference.values) == pytest.approx([0.2, 0.3, 0.4])
    assert (gain.row, gain.over) == ("ummt_ps", "ummt")
    assert sorted(gain.difference.values) == pytest.approx([0.02, 0.11, 0.21])
    assert gain.share == pytest.approx((0.34 / 3) / 0.3)
    assert "| UMMT-PS | +11.3 ± 23.6 (38 %) | UMMT | - | - |" in markdown(study, shuffled)


def test_gains_of_labels_carried_by_poses_are_told_too(tmp_path):
    study = tiny_study(tmp_path, rows=["umst_s", "ummt_reprojected", "mmmt_d"], baselines=["umst_s"])
    results = [
        result(row, 1, value, value) for row, value in (("umst_s", 0.2), ("ummt_reprojected", 0.5), ("mmmt_d", 0.9))
    ]
    (gain,) = gains(study, results, "miou_present")
    assert (gain.row, gain.over) == ("ummt_reprojected", "umst_s") and gain.difference.mean == pytest.approx(0.3)


def test_gains_are_told_at_equal_steps_too(tmp_path):
    """Else a row that was trained for longer is held against one that was not."""
    study = tiny_study(tmp_path, rows=["umst_s", "ummt_ps"], baselines=["umst_s"])
    results = [result("umst_s", 1, 0.2, 0.2), result("ummt_ps", 1, 0.1, 0.1), result("ummt_ps", 2, 0.3, 0.3)]
    text = markdown(study, results)
    assert "| 1 | UMMT-PS | -10.0 | UMST-S | - | - |" in text and "| 2 | UMMT-PS" not in text
    assert "| UMMT-PS | +10.0 | UMST-S | - | - |" in text
    # More steps might be better still, of each row by itself.
    assert "| UMST-S | 20.0 | 1 (longest) |" in text and "| UMMT-PS | 30.0 | 2 (longest) |" in text


def test_what_a_row_has_behind_it_is_said(tmp_path):
    """Equal steps are not all, where a student starts from a teacher that was trained."""
    study = tiny_study(tmp_path)
    results, said = [result("umst_s", 1, 0.2, 0.2)], "Rows from the teacher's weights have its steps behind them"
    assert said not in markdown(study, results)
    assert said in markdown(replace(study, rows=(*study.rows, read_row("ummt_ps_soft_inherit"))), results)


def test_a_baseline_that_is_there_as_a_teacher_only_is_named(tmp_path):
    """As where one asks for a student of it by ``--rows``."""
    study = replace(tiny_study(tmp_path, rows=["ummt", "ummt_pu"], baselines=["ummt"]), rows=(read_row("ummt_pu"),))
    results = [result("ummt", 1, 0.2, 0.2), result("ummt_pu", 1, 0.3, 0.3)]
    assert "| UMMT-PS, uni-modal teacher | +10.0 | UMMT | - | - |" in markdown(study, results)


def test_classes_are_told_by_what_there_is_to_win_in_them(tmp_path):
    """At one length, the longest that all kinds of row have; and of the student that one would choose."""
    rows = ["umst_s", "ummt_ps", "ummt_pu", "ceiling"]
    study = tiny_study(tmp_path, rows=rows, baselines=["umst_s"], ceiling="ceiling")
    one = [
        result("umst_s", 1, 0.3, 0.3, ball=0.2, wall=0.4),
        result("ummt_ps", 1, 0.5, 0.4, ball=0.3, wall=0.5),
        result("ummt_pu", 1, 0.4, 0.5, ball=0.4, wall=0.6),
        result("ceiling", 1, 0.6, 0.6, ball=0.7, wall=0.5),
    ]
    longer = [result("umst_s", 2, 0.9, 0.9, ball=0.9, wall=0.9)]
    text = markdown(study, one + longer)
    assert "IoU by class, %, at 1 steps" in text
    assert "| class | UMST-S | UMMT-PS | ceiling (no label hidden) | to win |" in text
    assert text.index("| ball | 20.0 | 30.0 | 70.0 | +40.0 |") < text.index("| wall | 40.0 | 50.0 | 50.0 | +0.0 |")
    assert "by class" not in markdown(study, [r for r in one if r["row"] != "ceiling"] + longer)
    assert "by class" not in markdown(replace(study, ceiling=""), one)


def test_classes_that_occur_nowhere_are_not_told(tmp_path):
    """Where one network sees a sink that is not there, it has a figure that the others have not."""
    study = tiny_study(tmp_path, rows=["umst_s", "ummt_ps", "ceiling"], baselines=["umst_s"], ceiling="ceiling")
    results = [
        result("umst_s", 1, 0.3, 0.3, ball=0.2),
        result("ummt_ps", 1, 0.5, 0.4, ball=0.3, sink=0.0),
        {**result("ummt_ps", 1, 0.5, 0.4, ball=0.4), "seed": 1},
        result("ceiling", 1, 0.6, 0.6, ball=0.7, door=0.0),
    ]
    text = markdown(study, results)
    assert "| ball | 20.0 | 35.0 ± " in text and "sink" not in text and "door" not in text


def test_a_figure_that_the_reported_frames_do_not_tell_is_left_out(tmp_path):
    study = tiny_study(tmp_path)
    one = result("umst_s", 1, 0.3, 0.2)
    one["measured"]["balls:choose"]["values"]["rmse"] = 0.5
    assert at_best_length(study, [one], "rmse") == []
    assert "| UMST-S | 20.0 | 1 (longest) | - | - |" in markdown(study, [one])


def test_classes_of_a_study_of_epochs_are_told_whatever_steps_they_took(tmp_path):
    rows = ["umst_s", "ummt_ps", "ceiling"]
    study = tiny_study(tmp_path, rows=rows, baselines=["umst_s"], ceiling="ceiling", steps=None, choose="", epochs=1)
    results = [
        result("umst_s", 1, 0.3, 0.3, ball=0.2),
        result("ummt_ps", 2, 0.5, 0.4, ball=0.3),
        result("ceiling", 2, 0.6, 0.6, ball=0.7),
    ]
    assert "IoU by class, %;" in (text := markdown(study, results))
    assert "| ball | 20.0 | 30.0 | 70.0 | +40.0 |" in text
