"""The commands that make a network ready for one machine, and time it there."""

from __future__ import annotations

import argparse

from mtl_perception.deployment.benchmark_command import add_benchmark
from mtl_perception.deployment.build_engine_command import add_build_engine
from mtl_perception.deployment.quantize_command import add_quantize


def add_deployment_commands(commands: argparse._SubParsersAction) -> None:
    """Add them; each leaves what to call as ``command``: of the options, to the exit code.

    It may raise DeploymentError, NetworkError, ImportError (of ROS) and OSError.
    """
    add_quantize(commands)
    add_build_engine(commands)
    add_benchmark(commands)
