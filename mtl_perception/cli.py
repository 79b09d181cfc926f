"""The command ``mtl-perception``: everything of the package that needs no ``ros2`` command."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from mtl_perception.argument_types import positive, user_path
from mtl_perception.backends import NetworkError
from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_tools.command import add_dataset_commands
from mtl_perception.deployment.command import add_deployment_commands
from mtl_perception.deployment.errors import DeploymentError
from mtl_perception.evaluation.command import add_evaluation_commands
from mtl_perception.evaluation.errors import EvaluationError
from mtl_perception.runtime_arguments import add_runtime_arguments, runtime_of

_INTERRUPTED = 128 + signal.SIGINT
"""Exit code a shell expects of a command that Ctrl-C ended."""
_PIPE_CLOSED = 128 + signal.SIGPIPE
"""The same of one whose output nobody reads any more."""
_MODEL_HELP = "network file, or the bare name of a shipped one (default: the shipped one)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when it did what was asked, 2 with one line on stderr when it could not, 130 after Ctrl-C, 141 when nobody
        reads on; ``evaluate`` and ``compare`` have more, see their help.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    # What follows --ros-args is for rclpy, as with any ROS command.
    split = arguments.index("--ros-args") if "--ros-args" in arguments else len(arguments)
    options = _parser().parse_args(arguments[:split])
    options.ros_arguments = arguments[split:]
    try:
        code = options.command(options)
        sys.stdout.flush()
        return code
    except (NetworkError, DatasetError, EvaluationError, DeploymentError) as error:
        return _fail(error)
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("rclpy", "sensor_msgs", "diagnostic_msgs", "rosgraph_msgs"):
            raise
        return _fail(
            f"this command needs ROS ({error}): source your ROS workspace, or, from a checkout, pip install -e '.[ros]'"
        )
    except BrokenPipeError:
        # Who read the output has seen enough, as `head` does; Python would complain at its end of what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except OSError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _fail(problem: object) -> int:
    print(f"mtl-perception: {problem}", file=sys.stderr)
    return 2


def _demo(options: argparse.Namespace) -> int:
    from mtl_perception import demo
    from mtl_perception.node_replay import ReplayError
    from mtl_perception.recordings.bags import BagError

    try:
        summary = demo.run(options.out, options.model, options.bag)
    except (BagError, ReplayError) as error:
        return _fail(error)
    print(
        f"{summary.frames_out} of {summary.frames_in} frames at {summary.rate_hz:g} Hz; "
        f"medians: network {summary.network_ms:g} ms, frame to depth over DDS {summary.end_to_end_ms:g} ms"
    )
    for name in ("strip.png", "video.mp4", "summary.json"):
        print(f"  {options.out / name}")
    return _fail(summary.breaks_off) if summary.breaks_off else 0


def _run(options: argparse.Namespace) -> int:
    from mtl_perception.nodes import perception_node
    from mtl_perception.share import use_shared_memory_profile

    use_shared_memory_profile()
    arguments = ["mtl-perception", "--ros-args"]
    if options.params_file:
        arguments += ["--params-file", str(options.params_file)]
    if options.model:
        arguments += ["-p", f"model:={json.dumps(options.model)}"]
    for topic, target in (("image", options.image), ("camera_info", options.camera_info)):
        if target:
            arguments += ["-r", f"{topic}:={target}"]
    if options.compressed:
        arguments += ["-p", "image_transport:=compressed"]
    if options.namespace:
        arguments += ["-r", f"__ns:=/{options.namespace.strip('/')}"]
    # No `ros2` may be there to configure it later.
    return perception_node.main(arguments + options.ros_arguments, must_start=True)


def _log(options: argparse.Namespace) -> int:
    from mtl_perception.nodes import depth_logger_node
    from mtl_perception.share import use_shared_memory_profile

    use_shared_memory_profile()
    arguments = ["mtl-perception", "--ros-args"]
    if options.params_file:
        arguments += ["--params-file", str(options.params_file)]
    arguments += ["-p", f"folder:={json.dumps(str(options.folder))}"]
    if options.robot:
        arguments += ["-p", f"robot:={json.dumps(options.robot)}"]
    for topic in ("image", "camera_info", "depth", "depth_camera_info", "odometry"):
        if getattr(options, topic):
            arguments += ["-r", f"{topic}:={getattr(options, topic)}"]
    if options.compressed:
        arguments += ["-p", "image_transport:=compressed"]
    if options.compressed_depth:
        arguments += ["-p", "depth_transport:=compressedDepth"]
    if options.namespace:
        arguments += ["-r", f"__ns:=/{options.namespace.strip('/')}"]
    return depth_logger_node.main(arguments + options.ros_arguments, must_start=True)


def _replay(options: argparse.Namespace) -> int:
    import rclpy
    from rclpy.node import Node

    from mtl_perception.recordings.bag_reading import open_bag
    from mtl_perception.recordings.bags import BagError
    from mtl_perception.replay import BagPlayer
    from mtl_perception.share import use_shared_memory_profile

    use_shared_memory_profile()
    try:
        rclpy.init(args=["mtl-perception", *options.ros_arguments])
    except RuntimeError as error:
        return _fail(error)
    node = Node("replay")
    try:
        with open_bag(options.bag) as bag:
            player = BagPlayer(node, bag, restamp=options.restamp, clock=options.clock)
            player.wait_for_listener(options.wait)
            while True:
                count = player.play(options.rate)
                if not rclpy.ok():  # told to end: that nothing was played until then says nothing of the bag
                    return 0
                if not count:
                    return _fail(f"{options.bag} holds no messages")
                print(f"{count} messages played from {options.bag}")
                if bag.breaks_off:
                    return _fail(bag.breaks_off)
                if not options.loop:
                    return 0
    except BagError as error:
        return _fail(error)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _bag_from_folder(options: argparse.Namespace) -> int:
    from mtl_perception.dataset_tools.export_bag import chosen_frames
    from mtl_perception.recordings.bags import BagError, write_bag_from_folder

    folder = DatasetFolder(options.folder)
    try:
        names = chosen_frames(folder, options.sequence, options.split)
        rate = options.rate or folder.info.rate_hz or 10.0
        write_bag_from_folder(folder, names, options.out, rate=rate, raw=options.raw, depth=options.depth)
    except BagError as error:
        return _fail(error)
    print(f"{len(names)} frames at {rate:g} Hz in {options.out} ({options.out.stat().st_size / 1e6:.1f} MB)")
    return 0


def _dataset(options: argparse.Namespace) -> int:
    from mtl_perception.recordings.bags import BagError

    try:
        return options.dataset_command(options)
    except BagError as error:
        return _fail(error)


def _predict(options: argparse.Namespace) -> int:
    from mtl_perception.network import Network
    from mtl_perception.predict import predict
    from mtl_perception.share import model_path

    network = Network(model_path(options.model), runtime_of(options))
    count = predict(options.source, network, options.out, options.focal_length)
    print(f"{count} pictures predicted with {network.card.name} on {network.device}, in {options.out}")
    for library in network.passed_over:
        print(f"  not run by {library}", file=sys.stderr)
    return 0


def _info(options: argparse.Namespace) -> int:
    from mtl_perception.network import read_card
    from mtl_perception.share import model_path

    path = model_path(options.model)
    card = read_card(path)
    print(f"{card.name}: {card.architecture}")
    megabytes = path.stat().st_size / 1e6
    print(f"  file       {path} ({megabytes:.1f} MB), exported {card.date} at {card.commit}")
    print(f"  input      {card.input_width}x{card.input_height} RGB; other sizes are padded to this shape")
    print(f"  depth      {card.depth_min:g} to {card.depth_max:g} m for a focal length of {card.focal_length:g} px")
    print(f"  licence    {card.licence}")
    for data in card.training_data:
        print(f"  trained on {data.name}: {data.frames} frames, {data.licence}")
    for evaluation in card.evaluations:
        values = ", ".join(f"{name} {value:.3f}" for name, value in evaluation.values.items())
        print(f"  measured   {evaluation.data} {evaluation.split} ({evaluation.frames} frames): {values}")
    print(f"  classes    {', '.join(f'{c.id} {c.name}' for c in card.classes)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtl-perception",
        description="Metric depth and semantic classes from one RGB camera.",
        epilog="Try `mtl-perception demo` first: it replays a recorded camera through the node and leaves pictures.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = commands.add_parser("demo", help="replay a recorded camera through the node, leave pictures")
    demo.add_argument(
        "--out", type=user_path, default=Path("demo_output"), help="folder for the pictures (default: %(default)s)"
    )
    demo.add_argument("--model", default="", help=_MODEL_HELP)
    demo.add_argument(
        "--bag", type=user_path, help="another recording, made by `bag from-folder` (default: the one that comes along)"
    )
    demo.set_defaults(command=_demo)

    run = commands.add_parser(
        "run",
        help="run the perception node, where there is no `ros2 launch`",
        epilog="Any parameter: --ros-args -p max_rate:=10.0",
    )
    run.add_argument("--model", default="", help=_MODEL_HELP)
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

    replay = commands.add_parser("replay", help="play a rosbag2, where there is no `ros2 bag play`")
    replay.add_argument("bag", type=user_path, help="folder, .mcap or .db3")
    replay.add_argument("--rate", type=positive, default=1.0, help="times the recorded pace (default: %(default)s)")
    replay.add_argument("--loop", action="store_true", help="begin again at the end")
    replay.add_argument(
        "--restamp", action="store_true", help="stamp messages with the present time, as a live camera does"
    )
    replay.add_argument("--clock", action="store_true", help="publish the bag's time on /clock, for use_sim_time")
    replay.add_argument(
        "--wait", type=float, default=10.0, help="seconds to wait for somebody to listen (default: %(default)s)"
    )
    replay.set_defaults(command=_replay)

    bag = commands.add_parser("bag", help="make a rosbag2")
    bag_commands = bag.add_subparsers(title="commands", metavar="COMMAND", required=True)
    from_folder = bag_commands.add_parser("from-folder", help="of a data set folder: the recording of a camera")
    from_folder.add_argument("folder", type=user_path, help="data set folder (it has a dataset.json)")
    from_folder.add_argument("out", type=user_path, help="file to write, named .mcap")
    which = from_folder.add_mutually_exclusive_group()
    which.add_argument("--sequence", help="only this sequence")
    which.add_argument("--split", help="only this split")
    from_folder.add_argument("--rate", type=positive, help="frames a second (default: the folder's own, else 10)")
    from_folder.add_argument("--raw", action="store_true", help="uncompressed images")
    from_folder.add_argument("--depth", action="store_true", help="the measured depth too, as 16UC1 millimetres")
    from_folder.set_defaults(command=_bag_from_folder)

    dataset = commands.add_parser("dataset", help="look at a data set folder, mend it, join, label or replay it")
    dataset.set_defaults(command=_dataset)
    add_dataset_commands(dataset)

    add_evaluation_commands(commands)
    add_deployment_commands(commands)

    predict = commands.add_parser("predict", help="run the network on a picture or a folder of pictures")
    predict.add_argument("source", type=user_path, help="picture, folder of pictures, or data set folder")
    predict.add_argument(
        "--out", type=user_path, default=Path("predictions"), help="folder to write to (default: %(default)s)"
    )
    predict.add_argument("--model", default="", help=_MODEL_HELP)
    predict.add_argument(
        "--focal-length",
        type=positive,
        metavar="PX",
        help="the camera's, pixels: without it depth is right only up to scale",
    )
    add_runtime_arguments(predict)
    predict.set_defaults(command=_predict)

    info = commands.add_parser("info", help="what a network file says of itself")
    info.add_argument("model", nargs="?", default="", help=_MODEL_HELP)
    info.set_defaults(command=_info)
    return parser


if __name__ == "__main__":
    sys.exit(main())
