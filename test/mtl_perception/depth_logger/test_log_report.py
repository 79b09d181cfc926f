"""What the logger says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtl_perception.depth_logger.log_report import LogReport
from mtl_perception.depth_logger.log_statistics import LogStatistics, LogSummary
from mtl_perception.depth_logger.pairing import PairingCounts
from mtl_perception.depth_logger.run_writer import FolderState

SECOND = 10**9
NOTHING = LogSummary(0, {}, {}, 0, 0, {}, 0.0, 0.0, "")


def counts(colour: int, depth: int, pairs: int) -> PairingCounts:
    return PairingCounts(colour, depth, pairs, colour_stamp=colour * SECOND)


def complaints(clock: int | None, *reports: tuple[LogSummary, PairingCounts]) -> list[str]:
    report = LogReport(3, SECOND // 50, SECOND // 2)
    for _ in range(3):
        report.complaints(NOTHING, PairingCounts(), None)
    return [report.complaints(summary, counts, clock) for summary, counts in reports][-1]


def test_all_well_is_no_complaint():
    summary = replace(NOTHING, pairs=30, kept={"view": 2}, not_kept={"too soon": 20, "same view": 8})
    assert complaints(SECOND // 100, (summary, counts(30, 30, 30))) == []


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (SECOND, ("stamped 1.00 s after depth", "synchronise the clocks")),
        (-SECOND * 7, ("stamped 7.00 s before depth", "synchronise the clocks")),
        (SECOND * 3 // 10, ("stamped 0.30 s after depth", "raise sync_tolerance")),
        (SECOND // 100, ("(0.02 s): raise it",)),
        (None, ("(0.02 s): raise it",)),
    ],
)
def test_colour_and_depth_that_never_meet(clock, words):
    (complaint,) = complaints(clock, (NOTHING, counts(30, 30, 0)))
    assert "never within sync_tolerance" in complaint and all(word in complaint for word in words)


def test_one_that_does_not_come_is_no_matter_of_clocks():
    assert complaints(SECOND, (NOTHING, counts(30, 0, 0))) == []


def test_pairs_that_come_far_apart_are_told():
    summary = replace(NOTHING, pairs=30, not_kept={"same view": 30})
    (complaint,) = complaints(-SECOND // 3, (summary, counts(30, 30, 30)))
    assert "stamped 0.33 s before depth" in complaint and "comes late" in complaint


def test_frames_none_of_which_is_good_enough():
    summary = replace(NOTHING, pairs=30, not_kept={"too soon": 9, "little depth": 20, "blurred": 1})
    (complaint,) = complaints(0, (summary, counts(30, 30, 30)))
    assert complaint == "no frame is good enough to be kept: little depth (20), blurred (1)"
    good = replace(summary, not_kept={**summary.not_kept, "same view": 1})
    assert complaints(0, (good, counts(30, 30, 30))) == []


def test_images_that_nobody_stamps_are_told():
    summary = replace(NOTHING, pairs=30, not_kept={"too soon": 30})
    (complaint,) = complaints(0, (summary, PairingCounts(30, 30, 30)))
    assert "stamps stand still" in complaint
    assert complaints(0, (summary, counts(30, 30, 30))) == []


def test_nothing_is_judged_before_it_was_watched_for_a_while():
    report = LogReport(3, SECOND // 50, SECOND // 2)
    said = [report.complaints(NOTHING, counts(10 * i, 10 * i, 0), SECOND) for i in range(5)]
    assert [bool(c) for c in said] == [False, False, False, True, True]


def test_every_count_is_a_figure():
    summary = LogSummary(30, {"view": 2}, {"too soon": 25}, 5, 4, {"no room": 1}, 10.0, 0.5, "")
    came = PairingCounts(40, 41, 30, 9, 10)
    figures = LogReport(3, 1, 1).figures(summary, FolderState("r2-x", 1.5, 20.0, 4), 3, came, -5_500_000)
    assert figures["kept: view"] == "2" and figures["not kept: too soon"] == "25" and figures["lost: no room"] == "1"
    assert (figures["frames written"], figures["frames with a pose"]) == ("5", "4")
    assert figures["colour without depth"] == "9" and figures["colour stamped after depth [ms]"] == "-5.5"
    assert (figures["run"], figures["folder holds [GB]"], figures["frames given up"]) == ("r2-x", "1.500", "4")


def test_trouble_of_a_frame_passes_and_that_of_the_disk_lasts_until_something_is_written(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("mtl_perception.depth_logger.log_statistics.time.monotonic", lambda: now[0])
    statistics = LogStatistics()
    statistics.lost("bad frame", "a bad frame")
    statistics.written(posed=False)
    assert statistics.summary().trouble == "a bad frame"
    now[0] += 6
    assert statistics.summary().trouble == ""
    statistics.lost("disk error", "a full disk", lasts=True)
    now[0] += 60
    assert statistics.summary().trouble == "a full disk"
    statistics.written(posed=False)
    assert statistics.summary().trouble == "" and statistics.summary().write_rate == 0.2
    assert statistics.summary().lost == {"bad frame": 1, "disk error": 1}
