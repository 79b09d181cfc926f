"""The index of a folder that grows: read whole, torn, damaged by hand, and while it is written."""

from __future__ import annotations

import fcntl
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.dataset_index import (
    index_path,
    index_paths,
    is_being_written,
    parse_run,
    read_index,
    read_run,
)

RUN = "tiago-20260131T120000-0a1b"
HEADER = {"run": RUN, "robot": "tiago", "started": "2026-01-31T12:00:00Z"}


def frame(number: int, **changes) -> dict:
    fields = {"name": f"{RUN}-{number:06d}", "stamp": number * 10**8, "depth_stamp": None, "reason": "time"}
    return {**fields, "sharpness": 12.5, "valid_depth": 0.75, **changes}


def text(*lines: dict) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def test_frames_come_back_in_order_less_those_dropped():
    index = parse_run(RUN, text(HEADER, frame(2), frame(0), frame(1), {"dropped": frame(0)["name"]}))
    assert list(index.frames.values()) == [frame(2), frame(1)]
    assert index.dropped == {f"{RUN}-000000"}
    assert index.header == HEADER and index.problems == ()


def test_a_frame_asked_for_after_it_was_written_says_so():
    asked, dropped = frame(1)["name"], frame(0)["name"]
    index = parse_run(
        RUN,
        text(HEADER, frame(0), frame(1), frame(2), {"asked_for": asked}, {"dropped": dropped}, {"asked_for": dropped}),
    )
    assert list(index.frames.values()) == [{**frame(1), "asked_for": True}, frame(2)] and not index.problems


@settings(max_examples=200)
@given(st.data())
def test_wherever_the_file_breaks_off_the_whole_lines_before_count_and_nothing_is_wrong(data):
    lines = [text(HEADER), *(text(frame(i, note="ä→" * i)) for i in range(4))]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    index = parse_run(RUN, whole[:cut])
    ends = [sum(map(len, lines[: i + 1])) for i in range(len(lines))]
    assert len(index.frames) == max(0, sum(end <= cut for end in ends) - 1)
    assert index.whole_bytes == max([end for end in ends if end <= cut], default=0)
    assert index.problems == ()


@given(st.binary(max_size=60))
def test_whatever_the_torn_end_holds_the_lines_before_count(rest):
    rest = rest.replace(b"\n", b"")
    good = text(HEADER, frame(0))
    index = parse_run(RUN, good + rest)
    assert list(index.frames) == [f"{RUN}-000000"] and index.whole_bytes == len(good) and not index.problems


@pytest.mark.parametrize("end", [b'{"name": "x", "st\n', bytes(512) + b"\n", b"\n"])
def test_a_last_line_that_is_not_json_is_torn_even_with_its_end(end):
    good = text(HEADER, frame(0))
    index = parse_run(RUN, good + end)
    assert len(index.frames) == 1 and index.whole_bytes == len(good) and not index.problems


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"name": "a", \n', "it is not JSON"),
        (b"\xff\xfe\n", "it is not JSON"),
        (b"[" * 10**5 + b"\n", "it is not JSON"),
        (b'{"stamp": ' + b"9" * 5000 + b"}\n", "it is not JSON"),
        (b"[1, 2]\n", "it is not a JSON object"),
        (b"{}\n", "neither a frame nor a dropped one"),
        (text(frame(5, name="../../etc/passwd")), "cannot name a frame"),
        (text(frame(5, name=7)), "cannot name a frame"),
        (text({"dropped": "../x"}), "cannot name a frame"),
        (text({"asked_for": "../x"}), "cannot name a frame"),
        (text({"asked_for": "x"}), "frame x, which was asked for, is not there"),
        (text(frame(5, stamp=1.5)), "stamp of .* is not a whole number"),
        (text(frame(5, stamp=True)), "stamp of .* is not a whole number"),
        (text(frame(5, depth_stamp="soon")), "depth_stamp of .* is not a whole number"),
        (text(frame(5, sharpness="much")), "sharpness of .* is not a number"),
        (text(frame(5)).replace(b"12.5", b"NaN"), "NaN is no number"),
        (text(frame(5)).replace(b"12.5", b"1e999"), "sharpness of .* is not a number"),
        (text(frame(5, view_change=10**400)), "view_change of .* is not a number"),
        (text(frame(5, valid_depth=True)), "valid_depth of .* is not a number"),
        (text(frame(5, reason=3)), "reason of .* is not text"),
        (text(frame(0)), "000000 is there already"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_line_is_told_with_its_number_and_the_others_count(line, problem):
    index = parse_run(RUN, text(HEADER, frame(0)) + line + text(frame(9)))
    assert list(index.frames) == [f"{RUN}-000000", f"{RUN}-000009"]
    (told,) = index.problems
    assert re.match(f"line 3: .*{problem}", told)


def test_a_run_without_its_first_line_keeps_its_frames():
    index = parse_run(RUN, text(frame(0), frame(1)))
    assert len(index.frames) == 2 and index.problems == ("line 1: it does not tell of the run",) and not index.header


def test_a_file_under_another_runs_name_is_told():
    index = parse_run("other", text(HEADER, frame(0)))
    assert len(index.frames) == 1 and RUN in index.problems[0]


def test_a_dropped_name_is_not_given_again():
    index = parse_run(RUN, text(HEADER, frame(0), {"dropped": frame(0)["name"]}, frame(0)))
    assert not index.frames and "there already" in index.problems[0]


def test_runs_are_found_and_read_by_name(tmp_path):
    assert read_index(tmp_path) == []
    for run in ("b-2", "a-1"):
        path = index_path(tmp_path, run)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text({"run": run}))
    (tmp_path / "index" / ".a-1.jsonl.12.part").write_text("{")
    assert [index.run for index in read_index(tmp_path)] == ["a-1", "b-2"]
    assert index_paths(tmp_path)[0] == index_path(tmp_path, "a-1")


def test_no_run_leads_out_of_the_folder(tmp_path):
    with pytest.raises(DatasetError, match="cannot name"):
        index_path(tmp_path, "../elsewhere")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.jsonl"):
        read_run(tmp_path / "gone.jsonl")


def test_a_file_is_being_written_while_its_writer_holds_the_lock_and_no_longer(tmp_path):
    path = tmp_path / "run.jsonl"
    with open(path, "wb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert is_being_written(path)
    assert not is_being_written(path)
    with open(path, "rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not is_being_written(path)  # another reader asking the same
