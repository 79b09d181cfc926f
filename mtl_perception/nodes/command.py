"""The commands that run a node where there is no `ros2 launch`: ``mtl-perception run`` and ``log``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from mtl_perception.argument_types import MODEL_HELP, user_path
from mtl_perception.share import use_shared_memory_profile

CAMERA_TOPICS = ("image", "camera_info")
LOGGER_TOPICS = (*CAMERA_TOPICS, "depth", "depth_camera_info", "odometry")


def add_node_commands(commands: argparse._SubParsersAction) -> None:
    """Add them; each leaves what to call as ``command``: of the options, to the exit code.

    It may raise ImportError (of ROS).
    """
    run = commands.add_parser(
        "run",
        help="run the perception node, where there is no `ros2 launch`",
        epilog="Any parameter: --ros-args -p max_rate:=10.0",
    )
    run.add_argument("--model", default="", help=MODEL_HELP)
    run.add_argument("--image", metavar="TOPIC", help="the camera's image topic (default: image)")
    run.add_argument("--camera-info", metavar="TOPIC", help="its CameraInfo topic (default: camera_info)")
    run.add_argument("--compressed", action="store_true", help="the image topic carries CompressedImage")
    run.add_argument("--namespace", metavar="NAME", help="put the node and its topics under NAME")
    run.add_argument("--params-file", type=user_path, help="YAML file of parameters, as config/perception.yaml")
    run.set_defaults(command=_run)

    log = commands.add_parser(
        "log",
        help="log the RGB-D frames worth keeping to a data set folder, where there is no `ros2 launch`",
        epilog="Any parameter: --ros-args -p min_interval:=1.0; docs/depth_logger.md tells of them all.",
    )
    log.add_argument("folder", type=user_path, help="data set folder, made if need be; others may log to it too")
    log.add_argument("--image", metavar="TOPIC", help="the colour camera's image topic (default: image)")
    log.add_argument("--camera-info", metavar="TOPIC", help="its CameraInfo topic (default: camera_info)")
    log.add_argument("--depth", metavar="TOPIC", help="depth, best aligned to colour by the driver (default: depth)")
    log.add_argument(
        "--depth-camera-info", metavar="TOPIC", help="the depth camera's CameraInfo topic (default: depth_camera_info)"
    )
    log.add_argument("--odometry", metavar="TOPIC", help="where the robot is (default: odometry)")
    log.add_argument("--compressed", action="store_true", help="the image topic carries CompressedImage")
    log.add_argument("--compressed-depth", action="store_true", help="the depth topic is one of /compressedDepth")
    log.add_argument(
        "--robot", metavar="NAME", help="name of the robot, part of the frames' names (default: the host's)"
    )
    log.add_argument("--namespace", metavar="NAME", help="put the node and its topics under NAME")
    log.add_argument("--params-file", type=user_path, help="YAML file of parameters, as config/depth_logger.yaml")
    log.set_defaults(command=_log)


def _run(options: argparse.Namespace) -> int:
    from mtl_perception.nodes import perception_node

    parameters = {"model": options.model} if options.model else {}
    # No `ros2` may be there to configure it later.
    return perception_node.main(_arguments(options, CAMERA_TOPICS, parameters), must_start=True)


def _log(options: argparse.Namespace) -> int:
    from mtl_perception.nodes import depth_logger_node

    parameters = {"folder": str(options.folder)}
    if options.robot:
        parameters["robot"] = options.robot
    if options.compressed_depth:
        parameters["depth_transport"] = "compressedDepth"
    return depth_logger_node.main(_arguments(options, LOGGER_TOPICS, parameters), must_start=True)


def _arguments(options: argparse.Namespace, topics: Sequence[str], parameters: dict[str, str]) -> list[str]:
    """The node's command line; what is said here wins over the file of parameters, and --ros-args over both."""
    use_shared_memory_profile()
    if options.compressed:
        parameters["image_transport"] = "compressed"
    arguments = ["mtl-perception", "--ros-args"]
    if options.params_file:
        arguments += ["--params-file", str(options.params_file)]
    for name, value in parameters.items():
        arguments += ["-p", f"{name}:={json.dumps(value)}"]
    for topic in topics:
        if target := getattr(options, topic):
            arguments += ["-r", f"{topic}:={target}"]
    if options.namespace:
        arguments += ["-r", f"__ns:=/{options.namespace.strip('/')}"]
    return arguments + options.ros_arguments
