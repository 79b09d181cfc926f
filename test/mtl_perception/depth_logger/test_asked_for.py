"""What is asked for by hand is logged with what came before it, once, and answered whatever happens."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from recorded import RULES, Answers, aligned, decode, lines, pair, recording, settled

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.depth_logger import dataset_log
from mtl_perception.depth_logger.camera_agreement import make_folder
from mtl_perception.depth_logger.frame_drop import FrameDropper
from mtl_perception.depth_logger.pairing import Pair
from mtl_perception.depth_logger.recorder import Recorder, RecorderSettings
from mtl_perception.depth_logger.run_writer import RunSettings


def test_what_is_asked_for_is_logged_with_the_look_back_and_answered_by_name(tmp_path):
    answers = Answers()
    with recording(tmp_path, look_back=0.5) as recorder:
        recorder.log_now(answers)
        for number in range(11):
            recorder.put(pair(number, 0))
        recorder.log_now(answers)
        settled(recorder)
        recorder.log_now(answers)  # it is there already
        recorder.put(pair(11, 1))
        settled(recorder)
    by_reason: dict[str, list[int]] = {}
    for line in lines(tmp_path):
        by_reason.setdefault(line["reason"], []).append(line["stamp"] // 10**8)
    assert by_reason == {"first": [0], "look_back": [5, 6, 7, 8, 9], "service": [10], "view": [11]}
    name = next(line["name"] for line in lines(tmp_path) if line["reason"] == "service")
    assert answers[1:] == [(True, name), (True, name)]
    assert answers[0][0] is False and "no pair of colour and depth" in answers[0][1]


def test_a_frame_that_could_not_be_written_is_written_when_it_is_asked_for(tmp_path, monkeypatch):
    answers = Answers()
    full = threading.Event()
    full.set()
    real = dataset_log.write_atomically

    def write(path, data):
        if full.is_set():
            raise OSError(28, "No space left on device")
        real(path, data)

    monkeypatch.setattr(dataset_log, "write_atomically", write)
    with recording(tmp_path) as recorder:
        recorder.put(pair(0))
        summary = settled(recorder)
        assert summary.lost == {"disk error": 1} and summary.trouble == "cannot write: No space left on device"
        recorder.log_now(answers)
        settled(recorder)
        full.clear()
        recorder.log_now(answers)
        deadline = time.monotonic() + 10
        while len(answers) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert recorder.summary()[0].trouble == ""
    assert answers[0] == (False, "cannot write: No space left on device") and answers[1][0] is True
    assert [line["reason"] for line in lines(tmp_path)] == ["service"]


def test_a_frame_asked_for_while_it_waits_is_written_once(tmp_path, monkeypatch):
    release, answers = threading.Event(), Answers()
    real = dataset_log.write_atomically
    monkeypatch.setattr(dataset_log, "write_atomically", lambda *a: (release.wait(10), real(*a)))
    with recording(tmp_path) as recorder:
        recorder.put(pair(0))
        recorder.put(pair(1))
        for _ in range(3):
            recorder.log_now(answers)
        time.sleep(0.1)
        release.set()
        settled(recorder)
    name = DatasetFolder(tmp_path).names()[1]
    assert answers == [(True, name)] * 3 and len(lines(tmp_path)) == 2


def test_what_a_rule_had_chosen_is_never_given_up_once_it_was_asked_for(tmp_path):
    answers = Answers()
    with recording(tmp_path, look_back=0.5) as recorder:
        for number in range(4):
            recorder.put(pair(number))
        settled(recorder)
        for _ in range(2):
            recorder.log_now(answers)
        settled(recorder)
        summary = recorder.summary()[0]
    assert (summary.kept, summary.written, summary.lost) == ({"first": 1, "view": 3}, 4, {})
    told = lines(tmp_path)
    assert answers == [(True, told[3]["name"])] * 2
    assert [(line["reason"], line["asked_for"]) for line in told] == [("first", True)] + [("view", True)] * 3
    (path,) = (tmp_path / "index").glob("*.jsonl")
    assert path.read_text().count("asked_for") == 4
    room = sum(p.stat().st_size for p in tmp_path.rglob("*.*")) / 1e9
    with recording(tmp_path, quota=room, give_up=True) as recorder:  # in another run too
        for number in range(20, 23):
            recorder.put(pair(number))
        settled(recorder)
    assert {line["stamp"] for line in told} <= {line["stamp"] for line in lines(tmp_path)}


def test_a_look_back_writes_what_the_disk_had_refused(tmp_path, monkeypatch):
    full, answers, real = [True], Answers(), dataset_log.write_atomically

    def write(path, data):
        if full[0]:
            raise OSError(28, "No space left on device")
        real(path, data)

    monkeypatch.setattr(dataset_log, "write_atomically", write)
    with recording(tmp_path, look_back=0.5) as recorder:
        for number in range(3):
            recorder.put(pair(number))
        settled(recorder)
        full[0] = False
        recorder.log_now(answers)
        settled(recorder)
    assert [(line["stamp"] // 10**8, line["reason"]) for line in lines(tmp_path)] == [
        (0, "look_back"),
        (1, "look_back"),
        (2, "service"),
    ]
    assert answers[0][0]


def test_a_frame_asked_for_after_it_was_given_up_is_written_again(tmp_path):
    answers = Answers()
    with recording(tmp_path) as recorder:
        recorder.put(pair(0))
        settled(recorder)
        (line,) = lines(tmp_path)
        FrameDropper(tmp_path, "", recorder._writer._log._index).drop("", line["name"])
        recorder.log_now(answers)
        settled(recorder)
    (again,) = lines(tmp_path)
    assert answers == [(True, again["name"])] and again["name"] != line["name"]


def test_an_answer_comes_whatever_fails(tmp_path):
    answers = Answers()

    def align(frame):
        raise RuntimeError("a fault of this program")

    with recording(tmp_path, replace(RULES, min_interval=0.5), align=align) as recorder:
        recorder.put(pair(0))
        recorder.log_now(answers)
        summary = settled(recorder)
    assert answers == [(False, "a fault of this program")]
    assert summary.lost == {"failed": 2} and summary.trouble == "RuntimeError: a fault of this program"


def test_pairs_that_come_during_a_long_look_back_do_not_wait_for_its_end(tmp_path):
    release, looked_at, answers = threading.Event(), [], Answers()

    def noting(pair):
        looked_at.append(recorder.summary()[0].not_kept.get("too soon", 0))
        release.wait(10)
        return decode(pair)

    release.set()
    rules = replace(RULES, min_interval=100.0)
    with recording(tmp_path, rules, noting, look_back=4.0) as recorder:
        for number in range(20):
            recorder.put(pair(number))
        settled(recorder)
        release.clear()
        recorder.log_now(answers)
        for number in range(20, 25):
            recorder.put(pair(number))
        release.set()
        summary = settled(recorder)
    assert looked_at == [0, 19] + [24] * 19  # the first that was kept, the start of the look-back, the rest of it
    assert summary.lost == {} and summary.kept == {"first": 1, "look_back": 18, "service": 1}
    assert answers[0][0] and summary.written == 20


def test_the_end_does_not_wait_for_a_long_look_back_and_counts_what_is_left(tmp_path):
    def slow(pair):
        time.sleep(0.1)
        return decode(pair)

    make_folder(tmp_path)
    run = RunSettings(tmp_path, "r2", "", {}, quota=0, min_free=0, give_up=False, queue_size=60)
    rules = replace(RULES, min_interval=100.0)
    recorder = Recorder(RecorderSettings(rules, None, 4.0, 10.0, 60), run, slow, aligned, lambda stamp: None)
    for number in range(40):
        recorder.put(pair(number))
    settled(recorder)
    recorder.log_now(Answers())
    time.sleep(0.1)
    start = time.monotonic()
    recorder.stop(0.3)
    summary = recorder.summary()[0]
    assert time.monotonic() - start < 3
    assert summary.lost["still waiting at the end"] + summary.written == 40


def test_a_bad_frame_asked_for_is_answered_and_a_bad_one_before_it_left_out(tmp_path):
    answers = Answers()
    with recording(tmp_path, look_back=1.0) as recorder:
        recorder.put(Pair(1, 1, "bad", 0))
        recorder.log_now(answers)
        recorder.put(pair(3, 0))
        recorder.log_now(answers)
        settled(recorder)
    assert answers[0] == (False, "the picture is bad") and answers[1][0] is True
