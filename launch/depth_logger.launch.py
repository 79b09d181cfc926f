"""Log RGB-D frames: `ros2 launch mtl_perception depth_logger.launch.py folder:=~/data image:=... depth:=...`."""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

CONFIG = Path(get_package_share_directory("mtl_perception")) / "config"
TOPICS = {
    "image": "The colour camera's image topic.",
    "camera_info": "Its CameraInfo topic.",
    "depth": "The depth topic, best one that the driver aligns to colour.",
    "depth_camera_info": "The depth camera's CameraInfo topic.",
    "odometry": "Where the robot is (nav_msgs/Odometry).",
}


def generate_launch_description() -> LaunchDescription:
    """The node, with its arguments, in an environment where images fit into shared memory."""
    arguments = [
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node and its topics."),
        DeclareLaunchArgument("folder", default_value="", description="Data set folder. Empty: params_file says."),
        DeclareLaunchArgument("robot", default_value="", description="The robot's name. Empty: params_file says."),
        DeclareLaunchArgument(
            "params_file", default_value=str(CONFIG / "depth_logger.yaml"), description="YAML file of parameters."
        ),
        *(DeclareLaunchArgument(name, default_value=name, description=text) for name, text in TOPICS.items()),
        DeclareLaunchArgument(
            "image_transport",
            default_value="",
            choices=["", "raw", "compressed"],
            description="Type of the image topic: Image or CompressedImage. Empty: params_file says.",
        ),
        DeclareLaunchArgument(
            "depth_transport",
            default_value="",
            choices=["", "raw", "compressedDepth"],
            description="Type of the depth topic: Image or compressedDepth. Empty: params_file says.",
        ),
        DeclareLaunchArgument("use_sim_time", default_value="false", description="Take time from /clock."),
        DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal."),
    ]
    variables = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    # A profile the user has set is left alone.
    profile_is_set = any(variable in os.environ for variable in variables)
    profile = [] if profile_is_set else [SetEnvironmentVariable(v, str(CONFIG / "fastdds_shm.xml")) for v in variables]
    return LaunchDescription([*arguments, *profile, OpaqueFunction(function=depth_logger_node)])


def depth_logger_node(context: LaunchContext) -> list[Node]:
    """The node; what the command line leaves empty stays as the parameters file has it."""
    names = ("folder", "robot", "image_transport", "depth_transport")
    given = {name: LaunchConfiguration(name).perform(context) for name in names}
    overrides = {name: value for name, value in given.items() if value}
    overrides["use_sim_time"] = LaunchConfiguration("use_sim_time").perform(context).lower() == "true"
    return [
        Node(
            package="mtl_perception",
            executable="depth_logger_node",
            name="depth_logger",
            namespace=LaunchConfiguration("namespace"),
            parameters=[LaunchConfiguration("params_file"), overrides],
            remappings=[(topic, LaunchConfiguration(topic)) for topic in TOPICS],
            ros_arguments=["--log-level", LaunchConfiguration("log_level")],
            output="both",
            emulate_tty=True,
        )
    ]
