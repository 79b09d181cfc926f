"""The arguments by which a command is told how to run a network file."""

from __future__ import annotations

import argparse

from mtl_perception.backends.choice import AUTO, BACKENDS, PRECISIONS, Runtime

_MOST_THREADS = 256
"""As the node's parameter; the libraries bound them each in its own way, or not at all."""


def add_runtime_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``runtime_of`` reads."""
    group = parser.add_argument_group("how the network is run")
    group.add_argument(
        "--backend",
        nargs="+",
        default=(AUTO,),
        choices=(AUTO, *BACKENDS),
        metavar="NAME",
        help=f"libraries in order of preference: {', '.join([AUTO, *BACKENDS])}; one that does not come up is passed "
        "over only for one listed after it (default: auto, all that are there, the fastest first)",
    )
    group.add_argument(
        "--precision", default="fp32", choices=PRECISIONS, help="of the arithmetic (default: %(default)s)"
    )
    group.add_argument("--providers", nargs="+", default=(), metavar="NAME", help="ONNX Runtime execution providers")
    group.add_argument(
        "--threads", type=thread_count, default=0, metavar="N", help="threads on a CPU (default: one a core)"
    )


def runtime_of(options: argparse.Namespace) -> Runtime:
    """How the parsed arguments want a network file run."""
    return Runtime(tuple(options.backend), options.precision, tuple(options.providers), options.threads)


def thread_count(text: str) -> int:
    """The whole number from 0, which is one a core, to the node's greatest that ``text`` says.

    Raises:
        argparse.ArgumentTypeError: it says another; ValueError: it says none. ``argparse`` tells of both.
    """
    value = int(text)
    if not 0 <= value <= _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"{text} is not 0 to {_MOST_THREADS}")
    return value
