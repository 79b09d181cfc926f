"""Evaluate on a recording as a robot would see it: `ros2 launch mtl_perception evaluate.launch.py bag:=... out:=...`.

Starts the perception node; once the evaluation node hears it, plays the recording with `ros2 bag play`; then evaluates
on every frame and leaves report.html and metrics.json, with what was measured live, in `out`. All topics lie under
/evaluation, so that a camera nearby does not take part; the recording's time is published on /clock.
"""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart
from launch.events import Shutdown
from launch.events.process import ProcessExited, ProcessIO, ProcessStarted
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

CONFIG = Path(get_package_share_directory("mtl_perception")) / "config"
NAMESPACE = "/evaluation"
CLOCK = "100"
"""Hz of /clock: what the age of data is exact to."""
DELAY = "3"
"""Seconds from the player's start to the first message, in which its topics are found."""


def generate_launch_description() -> LaunchDescription:
    """Node, player and evaluation, in an environment where images fit into shared memory."""
    found = "Empty: found by its type, if there is but one."
    arguments = [
        DeclareLaunchArgument("bag", description="The recording: a rosbag2, folder or file."),
        DeclareLaunchArgument("out", description="Folder for report.html and metrics.json."),
        DeclareLaunchArgument("model", default_value="", description="Network file. Empty: the shipped one."),
        DeclareLaunchArgument(
            "params_file",
            default_value=str(CONFIG / "perception.yaml"),
            description="YAML file of parameters; model, image_transport, use_sim_time and image_timeout are set here.",
        ),
        DeclareLaunchArgument("image", default_value="", description=f"Recorded image topic. {found}"),
        DeclareLaunchArgument("camera_info", default_value="", description=f"Recorded CameraInfo topic. {found}"),
        DeclareLaunchArgument("depth", default_value="", description=f"Recorded true depth. {found}"),
        DeclareLaunchArgument("labels", default_value="", description=f"Recorded true classes, or a folder. {found}"),
        DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal."),
    ]
    variables = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    # A profile the user has set is left alone.
    profile_is_set = any(variable in os.environ for variable in variables)
    profile = [] if profile_is_set else [SetEnvironmentVariable(v, str(CONFIG / "fastdds_shm.xml")) for v in variables]
    return LaunchDescription([*arguments, *profile, OpaqueFunction(function=evaluation)])


def evaluation(context: LaunchContext) -> list:
    """The node and what follows: it starts the evaluation node, and that one's word the player."""
    from mtl_perception.evaluation.topics import choose_topics
    from mtl_perception.nodes.evaluation_node import READY
    from mtl_perception.recordings.bag_reading import open_bag
    from mtl_perception.share import DEFAULT_MODEL

    given = {name: LaunchConfiguration(name).perform(context) for name in ("image", "camera_info", "depth", "labels")}
    given = {name: value for name, value in given.items() if value}
    # For the node and the evaluation alike, whatever the parameters file says.
    model = LaunchConfiguration("model").perform(context) or DEFAULT_MODEL
    bag, out = (Path(LaunchConfiguration(name).perform(context)).expanduser() for name in ("bag", "out"))
    with open_bag(bag) as opened:
        topics = choose_topics(
            opened,
            **{name: value for name, value in given.items() if name != "labels"},
            look_for_labels="labels" not in given,
        )
        compressed = opened.topics[topics.image].type == "sensor_msgs/msg/CompressedImage"
    played = {topic: NAMESPACE + topic for topic in (topics.image, topics.camera_info) if topic}

    perception = Node(
        package="mtl_perception",
        executable="perception_node",
        name="perception",
        namespace=NAMESPACE,
        parameters=[
            LaunchConfiguration("params_file"),
            {
                "model": model,
                "image_transport": "compressed" if compressed else "raw",
                "use_sim_time": True,
                "image_timeout": 3600.0,  # once all is played, silence is no news
            },
        ],
        remappings=[(name, played[topic]) for name, topic in vars(topics).items() if topic in played],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        output="both",
        emulate_tty=True,
    )
    player = ExecuteProcess(
        cmd=[
            *("ros2", "bag", "play", str(bag), "--clock", CLOCK, "--delay", DELAY, "--disable-keyboard-controls"),
            *("--topics", *played, "--remap", *(f"{recorded}:={name}" for recorded, name in played.items())),
        ],
        output="both",
    )

    def start_evaluation(event: ProcessStarted, context: LaunchContext) -> list:
        options = [*("--node", f"{NAMESPACE}/perception", "--played-on", played[topics.image], "--pid", str(event.pid))]
        options += ["--compressed"] if compressed else []
        options += ["--out", str(out), "--model", model]
        for name, value in given.items():
            options += [f"--{name.replace('_', '-')}", value]
        measuring = Node(
            package="mtl_perception", executable="evaluation_node", arguments=[str(bag), *options], output="both"
        )

        def when_ready(event: ProcessIO) -> ExecuteProcess | None:
            return player if READY in event.text.decode() else None

        return [
            RegisterEventHandler(OnProcessIO(target_action=measuring, on_stdout=when_ready)),
            RegisterEventHandler(OnProcessExit(target_action=measuring, on_exit=[ended("the evaluation is over")])),
            measuring,
        ]

    def when_played(event: ProcessExited, context: LaunchContext) -> EmitEvent | None:
        return ended("`ros2 bag play` failed") if event.returncode else None

    return [
        RegisterEventHandler(OnProcessStart(target_action=perception, on_start=start_evaluation)),
        RegisterEventHandler(OnProcessExit(target_action=perception, on_exit=[ended("the perception node is gone")])),
        RegisterEventHandler(OnProcessExit(target_action=player, on_exit=when_played)),
        perception,
    ]


def ended(reason: str) -> EmitEvent:
    """The end of it all."""
    return EmitEvent(event=Shutdown(reason=reason))
