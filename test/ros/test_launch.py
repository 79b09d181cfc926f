"""The launch file, where `launch` and `launch_ros` are installed: on a robot, not among the wheels."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("launch.actions", reason="launch comes with a ROS installation only")
pytest.importorskip("launch_ros.actions", reason="launch_ros comes with a ROS installation only")

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription, LaunchService
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    IncludeLaunchDescription,
    RegisterEventHandler,
    SetEnvironmentVariable,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnProcessIO
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource


@pytest.fixture
def launch_file() -> str:
    try:
        share = Path(get_package_share_directory("mtl_perception"))
    except (OSError, LookupError):
        pytest.skip("mtl_perception is not in a ROS workspace: colcon build, then source install/setup.bash")
    return str(share / "launch" / "perception.launch.py")


def entities(launch_file: str, kind: type) -> list:
    description = PythonLaunchDescriptionSource(launch_file).try_get_launch_description_without_context()
    return [e for e in description.entities if isinstance(e, kind)]


def test_the_launch_file_offers_its_arguments(launch_file):
    offered = {e.name for e in entities(launch_file, DeclareLaunchArgument)}
    needed = {"namespace", "model", "params_file", "image", "camera_info", "use_sim_time", "log_level"}
    assert offered == needed | {"image_transport"}


def test_images_get_shared_memory_unless_a_profile_is_set(launch_file, monkeypatch):
    assert not entities(launch_file, SetEnvironmentVariable)
    monkeypatch.delenv("FASTRTPS_DEFAULT_PROFILES_FILE")
    monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE")
    assert len(entities(launch_file, SetEnvironmentVariable)) == 2


def test_the_launched_node_comes_up_in_its_namespace_and_ends_cleanly(launch_file, network):
    printed, exits = [], []

    def on_output(event):
        printed.append(event.text.decode())
        return EmitEvent(event=Shutdown()) if "2 classes" in event.text.decode() else None

    given = {"model": str(network), "namespace": "robot", "image": "/eye/image"}
    service = LaunchService()
    service.include_launch_description(
        LaunchDescription(
            [
                IncludeLaunchDescription(PythonLaunchDescriptionSource(launch_file), launch_arguments=given.items()),
                RegisterEventHandler(OnProcessIO(on_stdout=on_output, on_stderr=on_output)),
                RegisterEventHandler(OnProcessExit(on_exit=lambda event, _: exits.append(event.returncode))),
                TimerAction(period=30.0, actions=[EmitEvent(event=Shutdown(reason="the node did not come up"))]),
            ]
        )
    )
    service.run()
    assert "robot.perception" in "".join(printed)
    assert exits == [0], printed


def test_the_depth_logger_has_a_launch_file_with_its_arguments(launch_file):
    logger = str(Path(launch_file).with_name("depth_logger.launch.py"))
    offered = {e.name for e in entities(logger, DeclareLaunchArgument)}
    needed = {"folder", "robot", "params_file", "image", "depth", "depth_camera_info", "odometry", "use_sim_time"}
    assert needed <= offered
