"""Which frames a folder gives up for others when its quota is reached, and which it never does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from logged import check_whole, encoded, open_log

from mtl_perception.dataset_index import index_path, read_index, read_run
from mtl_perception.depth_logger.disk_space import LessUsefulError, NoRoomError
from mtl_perception.depth_logger.frame_drop import FrameDropper


def test_with_the_quota_reached_nothing_more_is_logged(tmp_path):
    log = open_log(tmp_path, quota=20_000)
    results = [log.append([encoded(i)])[0] for i in range(10)]
    logged = [r for r in results if isinstance(r, str)]
    assert 2 <= len(logged) < 6 and results[: len(logged)] == logged
    assert all(isinstance(r, NoRoomError) and "quota of 2e-05 GB" in str(r) for r in results[len(logged) :])
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) <= 20_000 + 2_000  # and the index's lines
    check_whole(tmp_path, logged)


def test_frames_that_somebody_takes_away_make_room_again(tmp_path, monkeypatch):
    log = open_log(tmp_path, quota=20_000)
    logged = [r for i in range(10) for r in log.append([encoded(i)]) if isinstance(r, str)]
    for path in tmp_path.glob(f"*/{logged[0]}.*"):
        path.unlink()
    assert isinstance(log.append([encoded(20)])[0], NoRoomError)
    monkeypatch.setattr("mtl_perception.depth_logger.disk_space._COUNT_WHEN_FULL", 0.0)
    assert isinstance(log.append([encoded(20)])[0], str)


def test_the_least_useful_give_way_to_the_more_useful_in_every_run(tmp_path):
    first = open_log(tmp_path, quota=40_000, give_up=True)
    old = first.append([encoded(i, view_change=v) for i, v in enumerate((0.5, 0.1, 0.4, 0.3))])
    first.close()
    log = open_log(tmp_path, quota=first.space.used + 11_000, give_up=True)
    new = log.append([encoded(10 + i, view_change=0.35) for i in range(5)])
    live = check_whole(tmp_path, old + [n for n in new if isinstance(n, str)])
    # 0.1 and 0.3 went; against 0.4 and 0.5, or its likes, 0.35 has no right.
    assert sorted((line["view_change"] for line in live.values()), reverse=True) == [0.5, 0.4, 0.35, 0.35, 0.35, 0.35]
    assert isinstance(new[-1], LessUsefulError) and log.dropped == 2
    runs = {run.run: run for run in read_index(tmp_path)}
    assert runs[first.run].dropped == {old[1], old[3]}
    assert not list(tmp_path.glob(f"*/{old[1]}*"))


def test_frames_of_another_logger_at_work_are_not_given_up(tmp_path):
    other = open_log(tmp_path)
    theirs = other.append([encoded(i, view_change=0.01) for i in range(3)])
    log = open_log(tmp_path, quota=other.space.used + 5_000, give_up=True)
    results = log.append([encoded(10 + i, view_change=0.9 + i / 100) for i in range(3)])
    live = check_whole(tmp_path, theirs)
    assert set(theirs) <= live.keys() and sum(isinstance(r, str) for r in results) >= 1


def use(root: Path, name: str, label: str = "", listed: str = "") -> None:
    """Somebody makes a file ``label`` of frame ``name``, or puts it on a list of ``dataset.json``."""
    if label:
        path = root / label.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a mask")
    if listed:
        path = root / "dataset.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), listed: {"mine": [name]}}))


USES = (
    *("semantic/{}.png", "my_masks/{}.png", "labels/anna/{}.json", "quarantine/depth/{}.2.png", "notes/{}/a.txt"),
    *("splits", "sequences"),
)


@pytest.mark.parametrize("asked", ["service", "look_back", *USES])
def test_frames_somebody_wants_are_never_given_up(tmp_path, asked):
    first = open_log(tmp_path)
    reason = asked if asked in ("service", "look_back") else "time"
    wanted, other = first.append([encoded(0, reason=reason, view_change=0.0), encoded(1, view_change=0.2)])
    first.close()
    use(tmp_path, wanted, label=asked if "/" in asked else "", listed=asked if asked in ("splits", "sequences") else "")
    log = open_log(tmp_path, quota=first.space.used, give_up=True)
    results = [log.append([encoded(i, view_change=0.9)])[0] for i in range(2, 5)]
    live = check_whole(tmp_path, [r for r in results if isinstance(r, str)])
    assert wanted in live and other not in live
    assert "/" not in asked or (tmp_path / asked.format(wanted)).read_bytes() == b"a mask"


@pytest.mark.parametrize("how", USES)
def test_what_somebody_does_with_a_frame_while_the_log_runs_counts_at_once(tmp_path, how):
    log = open_log(tmp_path, give_up=True)
    use(tmp_path, "other", label="my_masks/{}.png")
    names = log.append([encoded(i, view_change=i / 10) for i in range(3)])
    log.space._quota = log.space.used
    new = log.append([encoded(3)])
    assert names[0] not in check_whole(tmp_path, names)
    use(tmp_path, names[1], label=how if "/" in how else "", listed=how if "/" not in how else "")
    new += log.append([encoded(4)])
    assert list(check_whole(tmp_path, names)) == [names[1], *new]


def test_a_teachers_labels_keep_no_frame_and_go_with_it(tmp_path):
    log = open_log(tmp_path, give_up=True)
    names = log.append([encoded(i, view_change=0.1) for i in range(3)])
    labels = ("pseudo_semantic/{}.png", "soft_semantic/{}.npz", "other_teacher/pseudo_depth/{}.png")
    for name in names:
        for label in labels:
            use(tmp_path, name, label=label)
    log.space._quota = log.space.used
    (new,) = log.append([encoded(3)])
    assert isinstance(new, str) and names[0] not in check_whole(tmp_path, names)
    assert [(tmp_path / label.format(names[0])).exists() for label in labels] == [False, False, True]
    assert all((tmp_path / label.format(names[2])).exists() for label in labels)


@pytest.mark.parametrize("reason", ["view", "service"])
@pytest.mark.parametrize("over", ["a lowered quota", "labels"])
def test_a_folder_far_beyond_its_quota_changes_frames_one_by_one(tmp_path, over, reason):
    first = open_log(tmp_path)
    names = first.append([encoded(i, view_change=0.1) for i in range(8)])
    first.close()
    if over == "labels":
        (tmp_path / "confidence").mkdir()
        (tmp_path / "confidence" / "other.png").write_bytes(bytes(60_000))
    log = open_log(tmp_path, quota=first.space.used * 3 // 4, give_up=True)
    new = [log.append([encoded(20 + i, reason=reason)])[0] for i in range(3)]
    live = check_whole(tmp_path, [*names, *new])
    # Of frames a few bytes smaller than the new one two may go.
    assert set(new) <= live.keys() and 3 <= log.dropped <= 6 and log.space.used <= first.space.used + 60_000


def test_frames_written_together_give_way_to_those_that_come_after_and_are_no_trouble(tmp_path):
    log = open_log(tmp_path, give_up=True)
    log.space._quota = log.space.used + 2 * encoded(11).size
    *names, refused = log.append([encoded(i, view_change=0.1) for i in (9, 10, 11)])
    assert isinstance(refused, LessUsefulError)
    (new,) = log.append([encoded(12, view_change=0.2)])
    assert new in check_whole(tmp_path, [*names, new]) and log.dropped >= 1


def test_a_frame_larger_than_the_quota_costs_nothing(tmp_path):
    first = open_log(tmp_path)
    names = first.append([encoded(i, view_change=0.1) for i in range(3)])
    first.close()
    log = open_log(tmp_path, quota=1, give_up=True)
    (result,) = log.append([encoded(9, reason="service")])
    assert type(result) is NoRoomError and list(check_whole(tmp_path, names)) == names


def test_frames_that_other_folders_hold_too_free_nothing_and_stay(tmp_path):
    first = open_log(tmp_path / "merged")
    names = first.append([encoded(i, view_change=0.1) for i in range(3)])
    first.close()
    for i, path in enumerate(p for kind in ("rgb", "depth", "pose") for p in (tmp_path / "merged" / kind).iterdir()):
        os.link(path, tmp_path / f"original {i}")
    log = open_log(tmp_path / "merged", quota=first.space.used, give_up=True)
    (result,) = log.append([encoded(9)])
    assert type(result) is NoRoomError and "nothing more may be given up" in str(result)
    assert list(check_whole(log.root, names)) == names


@pytest.mark.parametrize("asked", ["service", "look_back"])
def test_a_frame_somebody_asks_for_finds_room_though_it_shows_nothing_new(tmp_path, asked):
    log = open_log(tmp_path, give_up=True)
    names = log.append([encoded(i, view_change=1.0) for i in range(3)])
    log.space._quota = log.space.used
    assert isinstance(log.append([encoded(3, view_change=0.0)])[0], LessUsefulError)
    (wanted,) = log.append([encoded(4, view_change=0.0, reason=asked)])
    assert wanted in check_whole(tmp_path, [*names, wanted]) and log.dropped == 1


def test_a_name_within_a_name_is_another_frame(tmp_path):
    log = open_log(tmp_path)
    (name,) = log.append([encoded(0)])
    (tmp_path / "rgb" / f"{name}.2.png").write_bytes(b"of another")
    FrameDropper(tmp_path, log.run, log._index).drop(log.run, name)
    assert [p.name for p in (tmp_path / "rgb").iterdir()] == [f"{name}.2.png"]


def test_an_index_damaged_by_hand_keeps_nobody_from_logging(tmp_path):
    first = open_log(tmp_path)
    names = first.append([encoded(i, view_change=0.1) for i in range(3)])
    first.close()
    path = index_path(tmp_path, first.run)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "%%%", json.dumps({"name": "../../x", "stamp": 1}), *lines[2:]]) + "\n{")
    log = open_log(tmp_path, quota=sum(p.stat().st_size for p in tmp_path.rglob("*.*")), give_up=True)
    assert isinstance(log.append([encoded(9)])[0], str)
    assert set(read_run(path).dropped) <= set(names[1:]) and log.dropped in (1, 2)
