"""A writing process killed at any moment loses nothing it said was logged, and leaves nothing torn."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from logged import depth_of, encoded, open_log, pose_of, rgb_of

from mtl_perception.cli import main
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index

ROUNDS = 50


def killed_writers(root: Path, rounds: int) -> subprocess.Popen:
    """The process that starts and kills writers, in a group with them."""
    script = Path(__file__).with_name("killed_writers.py")
    command = [sys.executable, script, root, str(rounds), "4"]
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_kill_9_at_fifty_random_moments(tmp_path, capsys):
    process = killed_writers(tmp_path / "set", ROUNDS)
    try:
        out, err = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == 0, err
    logged = json.loads(out)
    assert main(["dataset", "check", str(tmp_path / "set")]) == 0
    assert "0 damaged" in capsys.readouterr().out
    log = open_log(tmp_path / "set")  # what comes after is as good as before
    logged += log.append([encoded(7)])
    log.close()

    folder = DatasetFolder(tmp_path / "set")
    runs = read_index(folder.root)
    assert [problem for run in runs for problem in run.problems] == []
    live = {name: line for run in runs for name, line in run.frames.items()}
    dropped = {name for run in runs for name in run.dropped}
    assert len(live) > ROUNDS / 5 and len(dropped) > ROUNDS / 5
    assert set(logged) <= live.keys() | dropped
    for name, line in live.items():
        np.testing.assert_array_equal(folder.read_rgb(name), rgb_of(line["number"]))
        np.testing.assert_array_equal(np.rint(folder.read_depth(name) * 1000), depth_of(line["number"]))
        np.testing.assert_array_equal(folder.read_pose(name), pose_of(line["number"]))
    # Whoever reads the folder without its index may find frames beside it, but whole ones.
    for name in set(folder.names()) - live.keys() - dropped:
        assert folder.read_depth(name).shape == folder.read_rgb(name).shape[:2]


def test_a_killed_test_leaves_no_writer_behind(tmp_path):
    process = killed_writers(tmp_path / "set", 10_000)
    deadline = time.monotonic() + 30
    while not list((tmp_path / "set" / "index").glob("*.jsonl")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    time.sleep(0.2)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("a writer lived on")
