"""Damage is found and named; mending it loses no whole frame, deletes nothing, and leaves a folder that is sound."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logged_folder import OTHER_RUN, RUN, entry, header, write_index, write_logged
from noise_folder import HEIGHT, WIDTH, write_dataset

from mtl_perception.cli import main
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index
from mtl_perception.dataset_tools.repair import repair
from mtl_perception.dataset_tools.survey import survey


@pytest.fixture
def logged(tmp_path) -> DatasetFolder:
    """Two runs of four frames."""
    return write_logged(tmp_path / "log", (RUN, OTHER_RUN))


def name(number: int, run: str = RUN) -> str:
    return f"{run}-{number:06d}"


def index_of(folder: DatasetFolder, run: str = RUN) -> Path:
    return folder.root / "index" / f"{run}.jsonl"


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def check(folder: DatasetFolder, *options: str) -> int:
    return main(["dataset", "check", str(folder.root), *options])


def told(folder: DatasetFolder) -> list[tuple[str, str, bool]]:
    return [(f.where, f.what, f.is_damage) for f in survey(folder.root).findings]


def mended(folder: DatasetFolder) -> None:
    """Mend the folder and see that nothing is left to find, and that no file is gone without a copy."""
    before = Counter(data for path, data in files(folder.root).items() if data)
    repair(survey(folder.root))
    assert told(folder) == []
    assert not before - Counter(files(folder.root).values())


# A sound folder


def test_sound_folders_are_clean_and_left_as_they_are(tmp_path, logged, folder, capsys):
    for each in (logged, folder):
        before = files(each.root)
        assert check(each) == 0 and check(each, "--repair") == 0
        assert files(each.root) == before
    assert "8 whole frames, 0 damaged, 0 left over" in capsys.readouterr().out


def test_a_check_changes_nothing(logged, capsys):
    logged.path("rgb", name(1)).write_bytes(b"torn")
    index_of(logged).write_bytes(index_of(logged).read_bytes()[:-9])
    before = files(logged.root)
    assert check(logged) == 1
    assert files(logged.root) == before
    out = capsys.readouterr().out
    assert f"damaged    rgb/{name(1)}.jpg: picture of 4 bytes is damaged" in out
    assert f"left over  index/{RUN}.jsonl: its last line is torn" in out


# Every kind of damage, in a folder without an index


def write(folder: DatasetFolder, path: str, data: bytes) -> None:
    (folder.root / path).parent.mkdir(exist_ok=True)
    (folder.root / path).write_bytes(data)


def png(*shape: int, dtype=np.uint8, value=1) -> bytes:
    return cv2.imencode(".png", np.full(shape, value, dtype))[1].tobytes()


def flipped(data: bytes) -> bytes:
    """With one bit of the last chunk's checksum wrong, which not every decoder minds."""
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("path", "data", "what"),
    [
        ("rgb/a0.jpg", b"", "picture of 0 bytes"),
        ("rgb/a0.jpg", png(HEIGHT, WIDTH, 3)[:-20], "bytes is cut off or damaged"),
        ("rgb/a0.jpg", flipped(png(HEIGHT, WIDTH, 3)), "is cut off or damaged"),
        ("rgb/a0.jpg", png(8, 9, 3), "it is 9x8, dataset.json says 32x24"),
        ("rgb/a 0.jpg", png(HEIGHT, WIDTH, 3), "its name cannot name a frame"),
        ("rgb/a0.bmp", b"BM", "files of rgb end with .jpg or .png"),
        ("depth/a0.png", png(HEIGHT, WIDTH), "it is uint8 of shape (24, 32), not one channel of uint16"),
        ("depth/a0.png", png(HEIGHT, WIDTH, 3, dtype=np.uint16), "it is uint16 of shape (24, 32, 3)"),
        ("depth/a0.jpg", b"", "files of depth end with .png"),
        ("semantic/a0.png", png(HEIGHT, WIDTH, value=7), "class ids 7, which dataset.json does not name"),
        ("semantic/a0.png", png(HEIGHT, WIDTH, value=255), "class ids 255"),
        ("instance/a0.png", png(HEIGHT, WIDTH, 3), "not one channel of uint8 or uint16"),
        ("pose/a0.txt", b"1 0 0 0\n0 1 0 0\n", "a pose is 4 rows of 4 numbers"),
        ("pose/a0.txt", b"1 0 0 nan\n" * 4, "a pose is 4 rows of 4 numbers"),
        ("pose/a0.txt", b"hello\n", "it is no pose"),
        ("pose/a0.txt", b"\xff\xfe", "it is no pose"),
        ("pose/a0.txt", b"", "a pose is 4 rows of 4 numbers"),
    ],
)
def test_each_damaged_file_is_named_and_set_aside(folder, path, data, what):
    write(folder, path, data)
    found = [(where, text) for where, text, damage in told(folder) if damage and where == path]
    assert len(found) == 1 and what in found[0][1]
    mended(folder)
    assert (folder.root / "quarantine" / path).read_bytes() == data


def test_sound_labels_and_poses_are_sound(folder):
    write(folder, "semantic/a0.png", png(HEIGHT, WIDTH, value=2))
    write(folder, "instance/a0.png", png(HEIGHT, WIDTH, dtype=np.uint16, value=300))
    write(folder, "pose/a0.txt", b"1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n")
    assert told(folder) == []


def test_a_damaged_picture_takes_its_frame_out_of_the_lists(folder):
    folder.path("rgb", "a1").write_bytes(b"torn")
    data = json.loads((folder.root / "dataset.json").read_text())
    write(folder, "dataset.json", json.dumps({**data, "ours": 3}).encode())
    mended(folder)
    assert json.loads((folder.root / "dataset.json").read_text())["ours"] == 3
    folder = DatasetFolder(folder.root)
    assert folder.names() == ["a0", "a2", "a3"]
    assert folder.info.splits == {"train": ("a0", "a2"), "val": ("a3",)} and folder.info.sequences == {"walk": ("a2",)}
    assert {"rgb/a1.jpg", "depth/a1.png"} <= files(folder.root / "quarantine").keys()


def test_a_frame_with_a_second_sound_picture_is_whole(folder):
    write(folder, "rgb/a1.png", folder.path("rgb", "a1").read_bytes()[:50])
    mended(folder)
    assert DatasetFolder(folder.root).names() == ["a0", "a1", "a2", "a3"]


def test_names_that_climb_out_are_found_and_taken_out(folder, capsys):
    data = json.loads((folder.root / "dataset.json").read_text())
    data["splits"]["train"] = ["a0", "../../etc/passwd", 7, "a9"]
    write(folder, "dataset.json", json.dumps(data).encode())
    assert check(folder) == 1
    out = capsys.readouterr().out
    assert "splits 'train' names '../../etc/passwd', which cannot name a frame" in out
    assert "splits 'train' names frame a9, which is not there" in out
    mended(folder)
    assert DatasetFolder(folder.root).info.splits["train"] == ("a0",)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (None, "is no data set folder: cannot read"),
        (b'{"width": 3', "it is not JSON"),
        (b"\xff\xfe", "can't decode"),
        (b"{}", "it lacks 'width'"),
        (b'{"splits": [1], "width": 3}', "it lacks 'height'"),
    ],
)
def test_without_a_sound_dataset_json_there_is_no_data_set(folder, capsys, data, complaint):
    (folder.root / "dataset.json").unlink()
    if data is not None:
        write(folder, "dataset.json", data)
    before = files(folder.root)
    assert check(folder, "--repair") == 2
    err = capsys.readouterr().err
    assert complaint in err and err.count("\n") == 1
    assert files(folder.root) == before


# What a power cut leaves


def test_what_a_power_cut_leaves_is_no_damage_and_is_tidied_up(logged):
    write(logged, f"depth/{name(4)}.png", png(HEIGHT, WIDTH, dtype=np.uint16))  # the picture did not follow
    write(logged, f"rgb/.{name(4)}.jpg.77.part", b"half")
    write(logged, f"index/.{RUN}.jsonl.77.part", b"half")
    write(logged, ".dataset.json.77.part", b"half")
    write(logged, "index/rover-20260131T140000-0001.jsonl", b'{"run": "rov')  # not even its first line
    lines = index_of(logged).read_bytes().splitlines(keepends=True)
    index_of(logged).write_bytes(b"".join(lines[:-1]) + lines[-1][:30])
    dropping = index_of(logged, OTHER_RUN)
    dropping.write_bytes(dropping.read_bytes() + json.dumps({"dropped": name(2, OTHER_RUN)}).encode() + b"\n")
    logged.path("rgb", name(2, OTHER_RUN)).unlink()  # and its depth not yet
    found = told(logged)
    assert check(logged) == 0
    assert not any(damage for _, _, damage in found)
    assert {where for where, _, _ in found} == {
        f"depth/{name(4)}.png",
        f"depth/{name(2, OTHER_RUN)}.png",
        f"rgb/.{name(4)}.jpg.77.part",
        f"index/.{RUN}.jsonl.77.part",
        ".dataset.json.77.part",
        "index/rover-20260131T140000-0001.jsonl",
        f"index/{RUN}.jsonl",
    }
    mended(logged)
    assert len(logged.names()) == 7
    assert [list(run.frames) for run in read_index(logged.root)] == [
        [name(i) for i in range(4)],
        [name(i, OTHER_RUN) for i in (0, 1, 3)],
    ]


def test_a_whole_frame_that_the_index_lacks_is_adopted_at_its_time(logged):
    for i in range(4):
        os.utime(logged.path("rgb", name(i)), ns=(0, 10**18 + i * 125_000_000))
    write_index(logged.root, RUN, [header(RUN), *(entry(name(i), i) for i in range(3))])
    mended(logged)
    run = read_index(logged.root)[0]
    assert run.header == header(RUN)
    assert list(run.frames) == [name(i) for i in range(4)]
    assert [run.frames[name(i)] for i in range(3)] == [entry(name(i), i) for i in range(3)]
    adopted = run.frames[name(3)]
    assert adopted["stamp"] == entry(name(2), 2)["stamp"] + 125_000_000
    assert (adopted["reason"], adopted["valid_depth"]) == ("adopted", 1.0)


def test_a_lost_index_is_made_anew(logged):
    shutil.rmtree(logged.root / "index")
    assert check(logged) == 0
    mended(logged)
    runs = read_index(logged.root)
    assert [(run.header["run"], run.header["robot"], len(run.frames)) for run in runs] == [
        (RUN, "rover", 4),
        (OTHER_RUN, "rover", 4),
    ]


# An index damaged by hand


def lines_of(folder: DatasetFolder) -> list[dict]:
    return [json.loads(line) for line in index_of(folder).read_text().splitlines()]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda lines: [*lines[:2], "gar\x00bage", *lines[2:]], "line 3: it is not JSON"),
        (
            lambda lines: [*lines[:2], '{"name": "../../etc/passwd", "stamp": 1}', *lines[2:]],
            "'../../etc/passwd' cannot",
        ),
        (lambda lines: [lines[0], lines[1] + lines[2], *lines[3:]], "line 2: it is not JSON"),
        (lambda lines: lines[1:], "line 1: it does not tell of the run"),
        (lambda lines: [lines[0].replace(RUN, "another"), *lines[1:]], "line 1: it tells of run 'another'"),
        (lambda lines: [*lines, lines[-1]], "is there already"),
        (lambda lines: [*lines, json.dumps(entry(name(77), 77))], f"frame {name(77)} is not there, or damaged"),
        (
            lambda lines: [*lines, json.dumps(entry(name(1, OTHER_RUN), 1))],
            f"frame {name(1, OTHER_RUN)} is of the run {OTHER_RUN}",
        ),
        (lambda lines: [*lines[:2], lines[2].replace('"stamp": 1', '"stamp": 1e999, "x": 1')], "is not a whole number"),
        (
            lambda lines: [lines[0], lines[1].replace('"reason"', '"x": 1e999, "reason"'), "{]"],
            "line 3: it is not JSON",
        ),
        (lambda lines: ["[" * 100_000, *lines], "line 1: it is not JSON"),
    ],
)
def test_an_index_damaged_by_hand_is_found_and_survived(logged, change, what):
    lines = change(index_of(logged).read_text().splitlines())
    index_of(logged).write_text("\n".join([*lines, ""]) + "{}\n")
    assert any(what in text and damage for _, text, damage in told(logged))
    mended(logged)
    assert [sorted(run.frames) for run in read_index(logged.root)] == [
        [name(i) for i in range(4)],
        [name(i, OTHER_RUN) for i in range(4)],
    ]
    assert all(run.header["robot"] == "rover" for run in read_index(logged.root))


def test_lost_files_leave_the_index(logged):
    logged.path("rgb", name(0)).unlink()
    logged.path("depth", name(1)).unlink()
    logged.path("depth", name(2)).write_bytes(b"torn")
    assert {(where, text) for where, text, damage in told(logged) if damage} == {
        (f"index/{RUN}.jsonl", f"frame {name(0)} is not there, or damaged"),
        (f"index/{RUN}.jsonl", f"frame {name(1)} has no sound depth, which the index tells of"),
        (f"index/{RUN}.jsonl", f"frame {name(2)} has no sound depth, which the index tells of"),
        (f"depth/{name(2)}.png", "picture of 4 bytes is damaged or of an unknown kind"),
    }
    mended(logged)
    run = read_index(logged.root)[0]
    assert list(run.frames) == [name(i) for i in (1, 2, 3)]
    assert run.frames[name(1)]["depth_stamp"] is None and run.frames[name(3)] == entry(name(3), 3)


damages = st.lists(
    st.tuples(
        st.sampled_from(["index", "rgb", "depth"]),
        st.integers(0, 7),
        st.sampled_from(["cut", "flip", "delete", "insert", "empty"]),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(damages)
def test_whatever_is_damaged_can_be_mended_and_no_whole_frame_is_lost(tmp_path_factory, logged, damages):
    folder = DatasetFolder(shutil.copytree(logged.root, tmp_path_factory.mktemp("damaged") / "log"))
    for kind, number, how, share in damages:
        run = (RUN, OTHER_RUN)[number // 4]
        path = index_of(folder, run) if kind == "index" else folder.path(kind, name(number % 4, run))
        data = path.read_bytes() if path.exists() else b""
        at = int(share * max(len(data) - 1, 0))
        if how == "delete":
            path.unlink(missing_ok=True)
            continue
        path.write_bytes(
            {
                "cut": data[:at],
                "flip": data[:at] + bytes([data[at] ^ 0x20] if data else b"") + data[at + 1 :],
                "insert": data[:at] + b'\x00{"\n' + data[at:],
                "empty": b"",
            }[how]
        )
    before = survey(folder.root)
    dropped = {frame for run in before.runs.values() for frame in run.dropped}
    whole = {frame: folder.path("rgb", frame).read_bytes() for frame in before.frames}
    mended(folder)
    after = survey(folder.root)
    assert after.frames == whole.keys() and not dropped
    assert {frame: folder.path("rgb", frame).read_bytes() for frame in after.frames} == whole
    assert {frame for run in read_index(folder.root) for frame in run.frames} == whole.keys()


# While a logger is at work


def test_a_run_that_is_being_written_is_left_alone(logged, capsys):
    path = index_of(logged)
    torn = path.read_bytes() + b'{"name": "'
    path.write_bytes(torn)
    write(logged, f"depth/{name(4)}.png", png(HEIGHT, WIDTH, dtype=np.uint16))
    write(logged, f"rgb/{name(5)}.jpg", logged.path("rgb", name(0)).read_bytes())
    write(logged, f"rgb/.{name(6)}.jpg.1.part", b"half")
    logged.path("rgb", name(0, OTHER_RUN)).write_bytes(b"torn")
    before = files(logged.root)
    with open(path, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert check(logged, "--repair") == 0
    assert f"run {RUN} is being written: left alone" in capsys.readouterr().out
    after = files(logged.root)
    assert {k: v for k, v in after.items() if RUN in k} == {k: v for k, v in before.items() if RUN in k}
    assert f"quarantine/rgb/{name(0, OTHER_RUN)}.jpg" in after
    assert check(logged) == 0


def test_a_logger_that_begins_during_the_check_is_left_alone(logged):
    index_of(logged).write_bytes(index_of(logged).read_bytes()[:-9])
    found = survey(logged.root)
    before = index_of(logged).read_bytes()
    with open(index_of(logged), "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = repair(found)
    assert done == [f"left index/{RUN}.jsonl alone: a logger is writing it"]
    assert index_of(logged).read_bytes() == before


def test_frames_beside_the_runs_need_no_index(tmp_path):
    folder = write_dataset(tmp_path / "set")
    run = write_logged(tmp_path / "log")
    for path, data in files(run.root).items():
        if path != "dataset.json":
            write(folder, path, data)
    assert told(folder) == []
