"""The launch file that evaluates, where `launch` and `launch_ros` are installed: on a robot, not among the wheels."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("launch.actions", reason="launch comes with a ROS installation only")
pytest.importorskip("launch_ros.actions", reason="launch_ros comes with a ROS installation only")

import rosbag2_play
from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription, LaunchService
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    IncludeLaunchDescription,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnProcessIO
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from recorder import record_frames

FRAMES = 20


@pytest.fixture
def launch_file() -> str:
    try:
        share = Path(get_package_share_directory("mtl_perception"))
    except (OSError, LookupError):
        pytest.skip("mtl_perception is not in a ROS workspace: colcon build, then source install/setup.bash")
    return str(share / "launch" / "evaluate.launch.py")


@pytest.fixture
def bag_play(tmp_path, monkeypatch):
    """`ros2 bag play`: the real one, or what stands in for it."""
    if importlib.util.find_spec("ros2bag"):
        return
    program = tmp_path / "bin" / "ros2"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n" + Path(rosbag2_play.__file__).read_text())
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def launched(launch_file: str, given: dict[str, str]) -> tuple[int, dict[str, int], str]:
    """How the launch and its processes ended, and all they printed."""
    printed, exits = [], {}

    def on_output(event):
        printed.append(event.text.decode())

    def on_exit(event, context):
        exits[event.action.process_details["name"].rpartition("-")[0]] = event.returncode

    service = LaunchService()
    service.include_launch_description(
        LaunchDescription(
            [
                RegisterEventHandler(OnProcessIO(on_stdout=on_output, on_stderr=on_output)),
                RegisterEventHandler(OnProcessExit(on_exit=on_exit)),
                IncludeLaunchDescription(PythonLaunchDescriptionSource(launch_file), launch_arguments=given.items()),
                TimerAction(period=90.0, actions=[EmitEvent(event=Shutdown(reason="it did not end"))]),
            ]
        )
    )
    return service.run(), exits, "".join(printed)


def test_the_launch_file_offers_its_arguments(launch_file):
    description = PythonLaunchDescriptionSource(launch_file).try_get_launch_description_without_context()
    offered = {e.name for e in description.entities if isinstance(e, DeclareLaunchArgument)}
    assert offered == {
        *("bag", "out", "model", "params_file"),
        *("image", "camera_info", "depth", "labels", "log_level"),
    }


@pytest.mark.usefixtures("bag_play")
def test_a_launched_evaluation_leaves_report_and_live_figures_and_ends(launch_file, network, tmp_path):
    bag = record_frames(tmp_path / "bag", FRAMES, depth_factor=1.1)
    out = tmp_path / "out"
    code, exits, printed = launched(launch_file, {"bag": str(bag), "out": str(out), "model": str(network)})
    assert code == 0 and exits == {"perception_node": 0, "evaluation_node": 0, "ros2": 0}, printed
    assert (out / "report.html").stat().st_size > 10_000
    (model,) = json.loads((out / "metrics.json").read_text())["models"]
    live = model["live"]
    assert model["depth"]["abs_rel"] == pytest.approx(0.1 / 1.1, abs=1e-3)
    assert FRAMES // 2 <= live["frames_out"] <= live["frames_in"] <= FRAMES
    assert live["rate_hz"] == pytest.approx(10, rel=0.5)  # of two seconds, in whose first frame a busy machine is late
    assert 0 < live["latency_ms"]["median"] < 5000 and live["age_ms"]["median"] < 5000
    assert live["cpu_percent"] > 0 and live["memory_mib"]["max"] > 30


@pytest.mark.usefixtures("bag_play")
def test_a_recording_that_is_not_there_starts_nothing(launch_file, tmp_path):
    code, exits, _ = launched(launch_file, {"bag": str(tmp_path / "none"), "out": str(tmp_path / "out")})
    assert code == 1 and exits == {}
