"""The launch file, where `launch` and `launch_ros` are installed: on a robot, not among the wheels."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("launch.actions", reason="launch comes with a ROS installation only")
pytest.importorskip("launch_ros.actions", reason="launch_ros comes with a ROS installation only")

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription, LaunchService
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    RegisterEventHandler,
    SetEnvironmentVariable,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnProcessIO
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from noise_folder import write_dataset

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.recordings.bags import CAMERA_INFO_TOPIC, DEPTH_TOPIC, IMAGE_TOPIC, write_bag_from_folder


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
    assert offered == needed | {"image_transport", "precision"}


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


# The depth logger


@pytest.fixture
def logger_file(launch_file) -> str:
    return str(Path(launch_file).with_name("depth_logger.launch.py"))


def test_the_depth_logger_has_a_launch_file_with_its_arguments(logger_file):
    offered = {e.name for e in entities(logger_file, DeclareLaunchArgument)}
    topics = {"image", "camera_info", "depth", "depth_camera_info", "odometry"}
    transports = {"image_transport", "depth_transport"}
    assert offered == topics | transports | {
        "namespace",
        "folder",
        "robot",
        "params_file",
        "use_sim_time",
        "log_level",
    }


def test_the_depth_loggers_images_get_shared_memory_unless_a_profile_is_set(logger_file, monkeypatch):
    assert not entities(logger_file, SetEnvironmentVariable)
    monkeypatch.delenv("FASTRTPS_DEFAULT_PROFILES_FILE")
    monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE")
    assert len(entities(logger_file, SetEnvironmentVariable)) == 2


def test_the_launched_depth_logger_writes_what_a_camera_process_sends_and_ends_cleanly(logger_file, tmp_path):
    source = write_dataset(tmp_path / "source")
    names = source.names("train")
    write_bag_from_folder(source, names, tmp_path / "walk.mcap", rate=5.0, depth=True)
    # What the command line leaves empty stays as the parameters file has it.
    keep_all = {"min_interval": 0.0, "keep_every": 0.001, "min_valid_depth": 0.0, "min_free": 0.0, "robot": "r9"}
    text = json.dumps({"/**": {"depth_logger": {"ros__parameters": keep_all}}})
    (tmp_path / "some.yaml").write_text(text)  # JSON is YAML
    printed, exits = [], {}
    given = {
        "folder": str(tmp_path / "set"),
        "params_file": str(tmp_path / "some.yaml"),
        "namespace": "robot",
        "image": f"{IMAGE_TOPIC}/compressed",
        "image_transport": "compressed",
        "camera_info": CAMERA_INFO_TOPIC,
        "depth": DEPTH_TOPIC,
        "depth_camera_info": CAMERA_INFO_TOPIC,
    }
    replay = ["-m", "mtl_perception.cli", "replay", str(tmp_path / "walk.mcap"), "--wait", "30"]
    camera = ExecuteProcess(cmd=[sys.executable, *replay], output="screen")
    ended = TimerAction(period=1.5, actions=[EmitEvent(event=Shutdown())])
    service = LaunchService()
    service.include_launch_description(
        LaunchDescription(
            [
                IncludeLaunchDescription(PythonLaunchDescriptionSource(logger_file), launch_arguments=given.items()),
                camera,
                RegisterEventHandler(OnProcessIO(on_stdout=record(printed), on_stderr=record(printed))),
                RegisterEventHandler(OnProcessExit(target_action=camera, on_exit=[ended])),
                RegisterEventHandler(OnProcessExit(on_exit=lambda e, _: exits.update({e.process_name: e.returncode}))),
                TimerAction(period=60.0, actions=[EmitEvent(event=Shutdown(reason="the replay did not end"))]),
            ]
        )
    )
    service.run()
    assert len(exits) == 2 and set(exits.values()) == {0}, printed
    assert "3 frames logged in r9-" in "".join(printed) and "0 lost" in "".join(printed)
    logged = DatasetFolder(tmp_path / "set")
    for name, original in zip(logged.names(), names, strict=True):
        assert logged.path("rgb", name).read_bytes() == source.path("rgb", original).read_bytes()
        assert (logged.read_depth(name) == source.read_depth(original)).all()


def record(printed: list[str]) -> Callable:
    return lambda event: printed.append(event.text.decode())
