"""The rules, one by one and together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtl_perception.depth_logger.key_frames import Decision, FrameMeasures, KeyFrameRules, KeyFrameSelector
from mtl_perception.depth_logger.rigid import transform

OFF = KeyFrameRules(
    min_interval=0,
    min_sharpness=0,
    max_clipped=1,
    min_valid_depth=0,
    keep_every=0,
    min_view_change=0,
    min_translation=0,
    min_rotation=0,
    min_disagreement=0,
    max_confidence=0,
)
VIEWS = np.random.default_rng(0).uniform(0, 255, (5, 48, 64)).astype(np.float32)
SAME = Decision(refusal="same view")


def frame(seconds: float, view: int = 0, **changes) -> FrameMeasures:
    return replace(FrameMeasures(round(seconds * 1e9), VIEWS[view], 100.0, 0.0, 1.0), **changes)


def selector(**rules) -> KeyFrameSelector:
    """A selector that has kept a frame of view 0 at 10 s."""
    result = KeyFrameSelector(replace(OFF, **rules))
    assert result.judge(frame(10)) == Decision("first")
    result.keep(frame(10, pose=transform((1, 0, 0), (0, 0, 0, 1))))
    return result


def test_with_no_rule_only_the_first_is_kept():
    chosen = selector()
    assert chosen.judge(frame(20, 1, pose=transform((9, 0, 0), (0, 1, 0, 0)))) == SAME


@pytest.mark.parametrize(("seconds", "is_too_soon"), [(10.4, True), (10.6, False), (9.6, True), (9.4, False)])
def test_frames_keep_their_distance_in_time_before_and_after(seconds, is_too_soon):
    chosen = selector(min_interval=0.5, min_view_change=0.1)
    assert chosen.is_too_soon(round(seconds * 1e9)) == is_too_soon
    assert chosen.judge(frame(seconds, 1)) == (Decision(refusal="too soon") if is_too_soon else Decision("view"))


@pytest.mark.parametrize(
    ("rule", "changes", "refusal"),
    [
        (dict(min_sharpness=50), dict(sharpness=49.0), "blurred"),
        (dict(max_clipped=0.4), dict(clipped=0.41), "badly exposed"),
        (dict(min_valid_depth=0.3), dict(valid_depth=0.29), "little depth"),
    ],
)
def test_frames_of_no_use_are_not_kept_whatever_speaks_for_them(rule, changes, refusal):
    chosen = selector(min_view_change=0.1, min_disagreement=0.1, **rule)
    assert chosen.judge(frame(11, 1, **changes)) == Decision(refusal=refusal)
    assert chosen.judge_prediction(frame(11, **changes), disagreement=9.0) == Decision(refusal=refusal)
    assert chosen.judge(frame(11, 1)) == Decision("view")
    assert KeyFrameSelector(chosen.rules).judge(frame(0, **changes)) == Decision(refusal=refusal)


def test_a_change_of_view_is_from_the_frame_kept_last():
    chosen = selector(min_view_change=0.5)
    assert chosen.judge(frame(11)) == SAME and chosen.judge(frame(11, 1)) == Decision("view")
    assert chosen.change(frame(11, 1)) > 0.9
    chosen.keep(frame(11, 1))
    assert chosen.judge(frame(12, 1)) == SAME and chosen.judge(frame(12, 0)) == Decision("view")


@pytest.mark.parametrize(
    ("moved", "turned", "decision"),
    [(0.29, 0, SAME), (0.31, 0, Decision("pose")), (0, 14.5, SAME), (0, 15.5, Decision("pose"))],
)
def test_a_robot_that_moved_or_turned_enough_gives_a_reason(moved, turned, decision):
    chosen = selector(min_translation=0.3, min_rotation=15)
    half = np.radians(turned) / 2
    assert chosen.judge(frame(11, pose=transform((1, moved, 0), (0, 0, np.sin(half), np.cos(half))))) == decision
    assert chosen.judge(frame(11)) == SAME  # no pose, no reason


def test_a_pose_known_for_the_first_time_is_a_reason_and_the_start_of_what_is_measured():
    chosen = KeyFrameSelector(replace(OFF, min_translation=0.3))
    chosen.keep(frame(10))  # before the first odometry
    here = transform((5, 0, 0), (0, 0, 0, 1))
    assert chosen.judge(frame(11)) == SAME
    assert chosen.judge(frame(12, pose=here)) == Decision("pose")
    chosen.keep(frame(12, pose=here))
    assert chosen.judge(frame(13, pose=here)) == SAME


def test_time_alone_is_a_reason_after_a_while():
    chosen = selector(keep_every=5)
    assert chosen.judge(frame(14.9)) == SAME and chosen.judge(frame(15)) == Decision("time")


def test_what_the_network_makes_of_a_frame_is_a_reason():
    chosen = selector(min_disagreement=0.3, max_confidence=0.6)
    assert chosen.rules.need_predictions and not OFF.need_predictions
    well = Decision(refusal="predicted well")
    assert chosen.judge_prediction(frame(11), disagreement=0.29, confidence=0.61) == well
    assert chosen.judge_prediction(frame(11), disagreement=0.3) == Decision("disagreement")
    assert chosen.judge_prediction(frame(11), confidence=0.6) == Decision("low_confidence")
    assert selector().judge_prediction(frame(11), disagreement=9, confidence=0) == well


def test_a_frame_kept_afterwards_does_not_become_the_last():
    chosen = selector(min_view_change=0.5, min_interval=0.5)
    chosen.keep(frame(8, 1))  # from the look-back
    assert chosen.judge(frame(11, 0)) == SAME and chosen.is_too_soon(round(8.2e9))
    assert chosen.has_kept(8 * 10**9) and not chosen.has_kept(9 * 10**9)


def test_what_was_not_written_is_no_view_to_compare_with_but_keeps_its_distance():
    chosen = selector(min_view_change=0.5, min_interval=0.5)
    lost = [frame(11, 1), frame(12, 2), frame(13, 3)]
    for each in lost:
        chosen.keep(each)
    chosen.keep(frame(8, 4))  # from the look-back
    chosen.take_back(lost[1])
    assert chosen.judge(frame(14, 3)) == SAME and chosen.judge(frame(14, 2)) == Decision("view")
    chosen.take_back(lost[2])
    assert chosen.judge(frame(14, 1)) == SAME and chosen.judge(frame(13.2, 4)) == Decision(refusal="too soon")
    chosen.take_back(lost[0])
    assert chosen.judge(frame(14, 0)) == SAME  # what was kept at 10 s


def test_time_gone_back_begins_anew():
    chosen = selector(min_interval=0.5)
    chosen.begin_anew()
    assert chosen.judge(frame(9.9)) == Decision("first")
