"""The command ``mtl-perception``: everything of the package that needs no ``ros2`` command."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from mtl_perception.backends import NetworkError
from mtl_perception.dataset_folder import DatasetError
from mtl_perception.dataset_tools.command import add_dataset_commands
from mtl_perception.deployment.command import add_deployment_commands
from mtl_perception.deployment.errors import DeploymentError
from mtl_perception.evaluation.command import add_evaluation_commands
from mtl_perception.evaluation.errors import EvaluationError
from mtl_perception.network_commands import add_network_commands
from mtl_perception.nodes.command import add_node_commands
from mtl_perception.recording_commands import add_recording_commands
from mtl_perception.recordings.errors import BagError, ReplayError

_INTERRUPTED = 128 + signal.SIGINT
"""Exit code a shell expects of a command that Ctrl-C ended."""
_PIPE_CLOSED = 128 + signal.SIGPIPE
"""The same of one whose output nobody reads any more."""


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
    except (NetworkError, DatasetError, BagError, ReplayError, EvaluationError, DeploymentError) as error:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtl-perception",
        description="Metric depth and semantic classes from one RGB camera.",
        epilog="Try `mtl-perception demo` first: it replays a recorded camera through the node and leaves pictures.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_recording_commands(commands)
    add_node_commands(commands)
    add_dataset_commands(commands)
    add_evaluation_commands(commands)
    add_deployment_commands(commands)
    add_network_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
