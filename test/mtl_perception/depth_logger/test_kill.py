"""A writing process killed at any moment loses nothing it said was logged, and leaves nothing torn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from logged import depth_of, encoded, open_log, pose_of, rgb_of

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index

ROUNDS = 50


def test_kill_9_at_fifty_random_moments(tmp_path):
    script = Path(__file__).with_name("killed_writers.py")
    command = [sys.executable, script, tmp_path / "set", str(ROUNDS), "4"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    logged = json.loads(done.stdout)
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
