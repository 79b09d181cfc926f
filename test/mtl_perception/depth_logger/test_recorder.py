"""From pairs to frames on the disk: what is chosen, and what becomes of what cannot be written."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from logged import CAMERA, HEIGHT, WIDTH, depth_of, rgb_of
from recorded import RULES, VIEW, Answers, decode, lines, pair, recording, settled

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index
from mtl_perception.depth_logger import dataset_log
from mtl_perception.depth_logger.pairing import Pair
from mtl_perception.depth_logger.recorder import RobotPose
from mtl_perception.depth_logger.registration import Camera


def test_what_is_chosen_is_on_the_disk_as_it_came(tmp_path):
    with recording(tmp_path) as recorder:
        for number, view in enumerate((0, 0, 1, 1, 2)):
            recorder.put(pair(number, view))
        summary = settled(recorder)
    assert (summary.kept, summary.not_kept, summary.written) == ({"first": 1, "view": 2}, {"same view": 2}, 3)
    assert summary.lost == {} and summary.trouble == ""
    opened = DatasetFolder(tmp_path)
    for line, number, view in zip(lines(tmp_path), (0, 2, 4), (0, 1, 2), strict=True):
        assert (line["stamp"], line["depth_stamp"]) == (number * 10**8, number * 10**8 + 7)
        np.testing.assert_array_equal(opened.read_rgb(line["name"]), rgb_of(view))
        np.testing.assert_array_equal(np.rint(opened.read_depth(line["name"]) * 1000), depth_of(number))
        assert line["sharpness"] > 0 and 0.9 < line["valid_depth"] <= 1 and 0.2 <= line["view_change"] <= 1


def test_files_that_came_are_stored_byte_for_byte(tmp_path):
    jpeg = cv2.imencode(".jpg", rgb_of(3))[1].tobytes()
    png = cv2.imencode(".png", depth_of(3), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()

    def with_files(pair):
        return replace(decode(pair), rgb_file=jpeg, rgb_suffix=".jpg", depth_file=png)

    with recording(tmp_path, decode=with_files) as recorder:
        recorder.put(pair(3))
        settled(recorder)
    (name,) = DatasetFolder(tmp_path).names()
    assert (tmp_path / "rgb" / f"{name}.jpg").read_bytes() == jpeg
    assert (tmp_path / "depth" / f"{name}.png").read_bytes() == png


def test_colour_that_came_raw_is_jpeg_when_asked_for(tmp_path):
    smooth = cv2.resize(rgb_of(0)[:3, :4], (WIDTH, HEIGHT))
    with recording(tmp_path, decode=lambda p: replace(decode(p), rgb=smooth), jpeg_quality=95) as recorder:
        recorder.put(pair(0))
        settled(recorder)
    folder = DatasetFolder(tmp_path)
    (name,) = folder.names()
    assert folder.path("rgb", name).suffix == ".jpg"
    assert np.abs(folder.read_rgb(name).astype(int) - smooth).mean() < 8


def test_depth_is_aligned_for_kept_frames_only_and_must_be_enough_then_too(tmp_path):
    seen = []

    def align(frame):
        seen.append(frame.stamp // 10**8)
        depth = np.where(frame.stamp < 3 * 10**8, frame.depth + 1, 0).astype(np.uint16)
        return replace(frame, depth=depth, depth_file=None)

    with recording(tmp_path, replace(RULES, min_valid_depth=0.5), align=align) as recorder:
        for number, view in enumerate((0, 0, 1, 2)):
            recorder.put(pair(number, view))
        summary = settled(recorder)
    assert seen == [0, 2, 3]
    assert summary.not_kept == {"same view": 1, "little depth": 1} and summary.written == 2
    depth = DatasetFolder(tmp_path).read_depth(lines(tmp_path)[1]["name"])
    np.testing.assert_array_equal(np.rint(depth * 1000), depth_of(2) + np.uint16(1))


def test_a_bad_pair_is_counted_with_its_reason_and_the_next_is_looked_at(tmp_path):
    with recording(tmp_path) as recorder:
        recorder.put(Pair(1, 1, "bad", 0))
        recorder.put(pair(2))
        summary = settled(recorder)
    assert summary.lost == {"bad frame": 1} and summary.written == 1 and summary.trouble == "the picture is bad"


def test_the_robots_pose_goes_into_the_index_and_the_cameras_to_the_disk(tmp_path):
    base, camera = np.eye(4), np.eye(4)
    base[0, 3], camera[2, 3] = 4.0, 1.5
    with recording(tmp_path / "both", pose_at=lambda stamp: RobotPose(base, camera)) as recorder:
        recorder.put(pair(0))
        assert settled(recorder).posed == 1
    (line,) = lines(tmp_path / "both")
    np.testing.assert_array_equal(DatasetFolder(tmp_path / "both").read_pose(line["name"]), camera)
    np.testing.assert_array_equal(line["robot_pose"], base)
    with recording(tmp_path / "one", pose_at=lambda stamp: RobotPose(base, None)) as recorder:
        recorder.put(pair(0))
        summary = settled(recorder)
    assert (summary.written, summary.posed) == (1, 0)
    (line,) = lines(tmp_path / "one")
    assert not DatasetFolder(tmp_path / "one").has("pose", line["name"]) and "robot_pose" in line


def test_a_robot_that_stands_still_is_logged_when_there_is_room_again(tmp_path, monkeypatch):
    full, real = [True], dataset_log.write_atomically

    def write(path, data):
        if full[0]:
            raise OSError(28, "No space left on device")
        real(path, data)

    monkeypatch.setattr(dataset_log, "write_atomically", write)
    with recording(tmp_path, replace(RULES, min_interval=0.5)) as recorder:
        for number in (0, 1, 5):
            recorder.put(pair(number, 0))
            summary = settled(recorder)
        assert (summary.lost, summary.not_kept) == ({"disk error": 2}, {"too soon": 1})
        full[0] = False
        for number in (7, 10, 15, 20):
            recorder.put(pair(number, 0 if number < 20 else 1))
            summary = settled(recorder)
    assert [line["stamp"] // 10**8 for line in lines(tmp_path)] == [10, 20]
    assert summary.not_kept == {"too soon": 2, "same view": 1} and summary.trouble == ""


def test_a_bag_that_begins_again_is_not_logged_twice(tmp_path):
    with recording(tmp_path) as recorder:
        for _ in range(2):
            for number in range(0, 30, 10):
                recorder.put(pair(number))
        summary = settled(recorder)
    assert (summary.written, summary.lost, summary.trouble) == (3, {"logged already": 3}, "")


def test_a_simulator_that_begins_again_stamps_other_frames_alike_and_none_is_lost(tmp_path):
    with recording(tmp_path, replace(RULES, min_interval=0.5)) as recorder:
        for start in (0, 100):
            for number in range(0, 30, 10):
                recorder.put(pair(number, start + number))
        summary = settled(recorder)
    assert (summary.kept, summary.written, summary.lost) == ({"first": 2, "view": 4}, 6, {})
    assert [line["stamp"] // 10**8 for line in lines(tmp_path)] == [0, 10, 20] * 2


def test_a_clock_set_back_a_little_begins_nothing_anew(tmp_path):
    with recording(tmp_path, replace(RULES, min_interval=0.5)) as recorder:
        for number in (0, 5, 4, 8, 10):
            recorder.put(pair(number, 0 if number < 8 else 1))
        summary = settled(recorder)
    assert summary.kept == {"first": 1, "view": 1}


# The network's opinion


def test_a_frame_predicted_badly_is_kept_though_its_view_is_not_new(tmp_path):
    rules = replace(RULES, min_disagreement=0.3, max_confidence=0.5)
    with recording(tmp_path, rules) as recorder:
        for number in range(4):
            recorder.put(pair(number, 0))
        settled(recorder)
        recorder.put_prediction(0, depth=depth_of(0) / np.float32(500))  # kept already
        recorder.put_prediction(10**8, depth=depth_of(1) / np.float32(1100))
        recorder.put_prediction(2 * 10**8, depth=depth_of(2) / np.float32(500))
        recorder.put_prediction(3 * 10**8, confidence=np.full((5, 5), 100, np.uint8))
        recorder.put_prediction(77, confidence=np.zeros((5, 5), np.uint8))  # of no frame
        assert settled(recorder).lost == {}
        deadline = time.monotonic() + 10
        while recorder.summary()[0].written < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    told = {line["stamp"] // 10**8: line for line in lines(tmp_path)}
    assert {n: line["reason"] for n, line in told.items()} == {0: "first", 2: "disagreement", 3: "low_confidence"}
    assert told[2]["disagreement"] == pytest.approx(1.0, abs=0.01)
    assert told[3]["confidence"] == pytest.approx(100 / 255, abs=0.001)


def test_a_prediction_may_come_before_the_depth_of_its_frame(tmp_path):
    rules = replace(RULES, min_disagreement=0.3, max_confidence=0.5)
    with recording(tmp_path, rules) as recorder:
        recorder.put(pair(0, 0))
        recorder.put_prediction(10**8, depth=depth_of(1) / np.float32(500))
        recorder.put_prediction(2 * 10**8, depth=depth_of(2) / np.float32(1000))
        recorder.put_prediction(3 * 10**8, confidence=np.full((5, 5), 100, np.uint8))
        for number in range(1, 4):
            recorder.put(pair(number, 0))
        settled(recorder)
    told = {line["stamp"] // 10**8: line["reason"] for line in lines(tmp_path)}
    assert told == {0: "first", 1: "disagreement", 3: "low_confidence"}


# Too much, too full, another camera


def test_what_cannot_be_written_in_time_is_counted(tmp_path, monkeypatch):
    release = threading.Event()
    real = dataset_log.write_atomically
    monkeypatch.setattr(dataset_log, "write_atomically", lambda *a: (release.wait(10), real(*a)))
    with recording(tmp_path, disk_queue=2) as recorder:
        for number in range(12):
            recorder.put(pair(number))
            time.sleep(0.02)
        deadline = time.monotonic() + 10
        while not recorder.summary()[0].lost and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "the disk is too slow" in recorder.summary()[0].trouble
        release.set()
        summary = settled(recorder)
    assert summary.lost["disk too slow"] >= 5
    assert summary.written + summary.lost["disk too slow"] == 12 == sum(summary.kept.values())
    assert len(lines(tmp_path)) == summary.written


def test_what_cannot_be_looked_at_in_time_is_counted(tmp_path):
    release = threading.Event()
    with recording(tmp_path, decode=lambda p: (release.wait(10), decode(p))[1], queue_size=2) as recorder:
        for number in range(10):
            recorder.put(pair(number))
        assert recorder.summary()[0].lost["not looked at in time"] >= 7
        assert "the processor is too slow" in recorder.summary()[0].trouble
        release.set()
        summary = settled(recorder)
    assert summary.written + summary.lost["not looked at in time"] == 10


def test_the_quota_is_told_until_something_is_written_again(tmp_path):
    with recording(tmp_path, quota=1e-5) as recorder:
        for number in range(6):
            recorder.put(pair(number))
        summary = settled(recorder)
    assert summary.lost["no room"] == 6 - summary.written > 0
    assert summary.trouble.startswith("nothing more is logged: the quota of 1e-05 GB")


def test_frames_less_useful_than_what_is_there_are_no_trouble(tmp_path):
    with recording(tmp_path, quota=1e-5, give_up=True) as recorder:
        for number in range(6):
            recorder.put(pair(number))
        summary = settled(recorder)
    assert summary.trouble == "" and sum(summary.lost.values()) + summary.written == 6


@pytest.mark.parametrize("when", ["at once", "in mid-run"])
def test_another_camera_is_refused(tmp_path, when):
    def other(pair):
        longer = Camera(WIDTH, HEIGHT, replace(CAMERA, fx=CAMERA.fx * 1.5))
        return replace(decode(pair), view=replace(VIEW, camera=longer)) if pair.depth else decode(pair)

    with recording(tmp_path) as recorder:
        recorder.put(pair(0))
        settled(recorder)
    with recording(tmp_path, decode=other, licence="MIT" if when == "at once" else "") as recorder:
        for number in range(3):
            recorder.put(pair(number))
        summary = settled(recorder)
    assert summary.lost["another camera"] == (3 if when == "at once" else 2)
    assert "holds frames of another kind" in summary.trouble


def test_a_folder_taken_away_in_mid_run_is_told_and_not_made_anew(tmp_path):
    answers = Answers()
    with recording(tmp_path / "set") as recorder:
        recorder.put(pair(0))
        settled(recorder)
        (tmp_path / "set").rename(tmp_path / "elsewhere")
        recorder.put(pair(1))
        recorder.log_now(answers)
        summary, state, _ = settled(recorder), *recorder.summary()[1:]
        assert summary.lost == {"disk error": 2} and "moved or taken away; configure" in summary.trouble
        assert np.isnan(state.free) and not (tmp_path / "set").exists()
        (tmp_path / "elsewhere").rename(tmp_path / "set")
        recorder.put(pair(2))
        summary = settled(recorder)
        assert summary.written == 2 and summary.trouble == ""
    assert answers[0][0] is False and "moved or taken away" in answers[0][1]
    assert [line["stamp"] for line in lines(tmp_path / "set")] == [0, 2 * 10**8]


def test_a_dataset_json_damaged_in_mid_run_is_told_of_every_frame(tmp_path):
    answers = Answers()
    with recording(tmp_path, quota=6e-6, give_up=True) as recorder:
        recorder.put(pair(0))
        settled(recorder)
        (tmp_path / "dataset.json").write_text("{")
        for number in (1, 2):
            recorder.put(pair(number))
            recorder.log_now(answers)
        summary = settled(recorder)
    assert summary.lost == {"disk error": 4} and "dataset.json" in summary.trouble
    assert len(answers) == 2 and all("dataset.json" in text and not success for success, text in answers)


def test_a_frame_id_that_climbs_is_a_word_like_any_other(tmp_path):
    def climbing(pair):
        return replace(decode(pair), view=replace(VIEW, frame_id="../../x"))

    with recording(tmp_path / "a" / "set", decode=climbing) as recorder:
        recorder.put(pair(0))
        settled(recorder)
    (run,) = read_index(tmp_path / "a" / "set")
    assert run.header["frame_id"] == "../../x" and len(run.frames) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a"] and [p.name for p in (tmp_path / "a").iterdir()] == ["set"]


def test_time_gone_back_begins_anew(tmp_path):
    with recording(tmp_path, replace(RULES, min_interval=10.0)) as recorder:
        recorder.put(pair(50, 0))
        recorder.put(pair(35, 0))
        summary = settled(recorder)
    assert summary.kept == {"first": 2}
