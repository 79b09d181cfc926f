"""The commands that play recordings, or make one: ``mtl-perception demo``, ``replay`` and ``bag``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtl_perception.argument_types import MODEL_HELP, positive, user_path
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.recordings.errors import BagError


def add_recording_commands(commands: argparse._SubParsersAction) -> None:
    """Add them; each leaves what to call as ``command``: of the options, to the exit code.

    It may raise BagError, ReplayError, DatasetError, NetworkError, ImportError (of ROS) and OSError.
    """
    demo = commands.add_parser("demo", help="replay a recorded camera through the node, leave pictures")
    demo.add_argument(
        "--out", type=user_path, default=Path("demo_output"), help="folder for the pictures (default: %(default)s)"
    )
    demo.add_argument("--model", default="", help=MODEL_HELP)
    demo.add_argument(
        "--bag", type=user_path, help="another recording, made by `bag from-folder` (default: the one that comes along)"
    )
    demo.set_defaults(command=_demo)

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


def _demo(options: argparse.Namespace) -> int:
    from mtl_perception import demo

    summary = demo.run(options.out, options.model, options.bag)
    print(
        f"{summary.frames_out} of {summary.frames_in} frames at {summary.rate_hz:g} Hz; "
        f"medians: network {summary.network_ms:g} ms, frame to depth over DDS {summary.end_to_end_ms:g} ms"
    )
    for name in ("strip.png", "video.mp4", "summary.json"):
        print(f"  {options.out / name}")
    if summary.breaks_off:
        raise BagError(summary.breaks_off)
    return 0


def _replay(options: argparse.Namespace) -> int:
    from mtl_perception.replay import play_bag

    play_bag(
        options.bag,
        rate=options.rate,
        loop=options.loop,
        restamp=options.restamp,
        clock=options.clock,
        wait=options.wait,
        arguments=options.ros_arguments,
    )
    return 0


def _bag_from_folder(options: argparse.Namespace) -> int:
    from mtl_perception.dataset_tools.export_bag import chosen_frames
    from mtl_perception.recordings.bags import write_bag_from_folder

    folder = DatasetFolder(options.folder)
    names = chosen_frames(folder, options.sequence, options.split)
    rate = options.rate or folder.info.rate_hz or 10.0
    write_bag_from_folder(folder, names, options.out, rate=rate, raw=options.raw, depth=options.depth)
    print(f"{len(names)} frames at {rate:g} Hz in {options.out} ({options.out.stat().st_size / 1e6:.1f} MB)")
    return 0
