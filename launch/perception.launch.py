"""Start the perception node: `ros2 launch mtl_perception perception.launch.py image:=/camera/image_raw ...`."""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

CONFIG = Path(get_package_share_directory("mtl_perception")) / "config"


def generate_launch_description() -> LaunchDescription:
    """The node, with its arguments, in an environment where images fit into shared memory."""
    arguments = [
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node and its topics."),
        DeclareLaunchArgument("model", default_value="", description="Network file. Empty: params_file says."),
        DeclareLaunchArgument(
            "params_file", default_value=str(CONFIG / "perception.yaml"), description="YAML file of parameters."
        ),
        DeclareLaunchArgument("image", default_value="image", description="The camera's image topic."),
        DeclareLaunchArgument("camera_info", default_value="camera_info", description="The camera's CameraInfo topic."),
        DeclareLaunchArgument(
            "image_transport",
            default_value="",
            choices=["", "raw", "compressed"],
            description="Type of the image topic: Image or CompressedImage. Empty: params_file says.",
        ),
        DeclareLaunchArgument(
            "precision",
            default_value="",
            choices=["", "fp32", "fp16"],
            description="Of the network's arithmetic. Empty: params_file says.",
        ),
        DeclareLaunchArgument("use_sim_time", default_value="false", description="Take time from /clock."),
        DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal."),
    ]
    variables = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    # A profile the user has set is left alone.
    profile_is_set = any(variable in os.environ for variable in variables)
    profile = [] if profile_is_set else [SetEnvironmentVariable(v, str(CONFIG / "fastdds_shm.xml")) for v in variables]
    return LaunchDescription([*arguments, *profile, OpaqueFunction(function=perception_node)])


def perception_node(context: LaunchContext) -> list[Node]:
    """The node; what the command line leaves empty stays as the parameters file has it."""
    names = ("model", "image_transport", "precision", "use_sim_time")
    given = {name: LaunchConfiguration(name).perform(context) for name in names}
    overrides = {name: value for name, value in given.items() if value}
    overrides["use_sim_time"] = given["use_sim_time"].lower() == "true"
    return [
        Node(
            package="mtl_perception",
            executable="perception_node",
            name="perception",
            namespace=LaunchConfiguration("namespace"),
            parameters=[LaunchConfiguration("params_file"), overrides],
            remappings=[(topic, LaunchConfiguration(topic)) for topic in ("image", "camera_info")],
            ros_arguments=["--log-level", LaunchConfiguration("log_level")],
            output="both",
            emulate_tty=True,
        )
    ]
