"""The command ``mtl-perception benchmark``: arguments, and what is said when the work is done."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_perception.argument_types import at_least_one, user_path
from mtl_perception.atomic_write import check_writable
from mtl_perception.backends.choice import BACKENDS, ONNXRUNTIME, PRECISIONS, Runtime, providers_of
from mtl_perception.deployment.errors import DeploymentError
from mtl_perception.runtime_arguments import thread_count

if TYPE_CHECKING:
    from mtl_perception.deployment.benchmark import Benchmark, Configuration

_INTERRUPTED = 130


def add_benchmark(commands: argparse._SubParsersAction) -> None:
    """Add ``benchmark``; it leaves what to call as ``command``: of the options, to the exit code.

    It may raise DeploymentError, NetworkError, ImportError (of ROS) and OSError.
    """
    parser = commands.add_parser(
        "benchmark",
        help="how fast networks run on this machine: every library, every precision, alone and in the node",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""Time every network with every library and precision that comes up on this machine, ONNX Runtime
with each execution provider. Each runs in a process of its own, so that its memory can be told, and they
take turns, so that a busy moment hits all alike. One that does not come up is named, with the reason. The
same command on a PC and on a Jetson.""",
        epilog="""what is told:
  first ms    the first frame after two blank ones have warmed the network up
  median, p95 of all frames, resizing to the network's input and back included
  rounds ms   least and greatest of the medians of the rounds: how steady the machine was
  memory      most the process held of the machine's, and of the GPU's as nvidia-smi tells it
  ratio       of the whole node, image callback to results published, over its network alone, which take
              turns in one process (--node, needs ROS)

Keep the machine idle meanwhile; power mode, load and versions are printed and kept with the figures.

exit codes:
  0    measured
  2    could not: an argument, a file or every library is unusable
  130  interrupted with Ctrl-C: what was measured is printed and kept, and marked as not complete""",
    )
    parser.add_argument(
        "models",
        nargs="*",
        default=[""],
        metavar="MODEL",
        help="network files or bare names (default: the shipped one)",
    )
    parser.add_argument(
        "--backend",
        nargs="+",
        default=list(BACKENDS),
        choices=list(BACKENDS),
        metavar="NAME",
        help=f"libraries (default: {' '.join(BACKENDS)})",
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        default=list(PRECISIONS),
        choices=PRECISIONS,
        metavar="NAME",
        help=f"of the arithmetic; int8 is a network file of its own (default: {' '.join(PRECISIONS)})",
    )
    parser.add_argument(
        "--providers",
        nargs="+",
        default=(),
        metavar="NAME",
        help="ONNX Runtime execution providers, each timed in its turn; what it cannot run, those after it do "
        "(default: CUDA where it is, and the CPU)",
    )
    parser.add_argument(
        "--threads", type=thread_count, default=0, metavar="N", help="threads on a CPU (default: one a core)"
    )
    parser.add_argument(
        "--frames",
        metavar="BAG|FOLDER[:SPLIT]",
        help="run frames of a recording or a data set folder (default: made ones of the network's size)",
    )
    parser.add_argument("--image", metavar="TOPIC", help="colour images of the recording, where it has several topics")
    parser.add_argument("--node", action="store_true", help="the whole node too, fed over DDS by another process")
    parser.add_argument(
        "--rounds", type=at_least_one, default=10, metavar="N", help="turns of 10 frames (default: %(default)s)"
    )
    parser.add_argument("--json", type=user_path, metavar="FILE", help="keep the figures there")
    parser.set_defaults(command=_benchmark)


def _benchmark(options: argparse.Namespace) -> int:
    from mtl_perception.deployment.benchmark import Benchmark
    from mtl_perception.deployment.benchmark_figures import as_table, figures, why_not
    from mtl_perception.deployment.conditions import as_text, conditions

    if options.node:
        import rclpy  # noqa: F401  now: should ROS lack, that is to be said before the work
    configurations = _configurations(options)
    if options.json:
        _check_writable(options.json)
    benchmark = Benchmark(configurations, _frames(options.frames, options.image), options.rounds, options.node)
    made = conditions(shlex.join(["mtl-perception", *sys.argv[1:]]))
    print(as_text(made), end="\n\n")
    is_complete = _run(benchmark)
    found = figures(benchmark)
    if not found["measured"]:
        if not is_complete:
            return _INTERRUPTED
        raise DeploymentError(f"nothing could be measured: {'; '.join(why_not(found))}")
    try:
        if options.json:
            _keep(options.json, {"complete": is_complete, "made": made, **found})
    finally:
        print(as_table(found))
    if options.json:
        print(f"\nkept in {options.json}")
    return 0 if is_complete else _INTERRUPTED


def _run(benchmark: Benchmark) -> bool:
    """Measure; whether it went to the end."""
    from tqdm import tqdm

    with tqdm(total=benchmark.steps(), desc="benchmark", unit="block", disable=None) as progress:
        try:
            benchmark.run(progress.update)
        except KeyboardInterrupt:
            return False
        progress.update(progress.total - progress.n)  # those that did not come up took no turns
    return True


def _configurations(options: argparse.Namespace) -> list[Configuration]:
    from mtl_perception.deployment.benchmark import Configuration
    from mtl_perception.share import model_path

    paths = [model_path(model) for model in options.models]
    for path in paths:
        if not path.is_file():
            raise DeploymentError(f"there is no network file {path}")
    return [
        Configuration(path, runtime)
        for path in paths
        for backend in dict.fromkeys(options.backend)
        for precision in dict.fromkeys(options.precision)
        for runtime in _by_provider(Runtime((backend,), precision, tuple(options.providers), options.threads))
    ]


def _by_provider(runtime: Runtime) -> list[Runtime]:
    """ONNX Runtime by each execution provider, those after it for what it cannot run; another library as it is."""
    providers = providers_of(runtime) if runtime.backends == (ONNXRUNTIME,) else ()
    return [replace(runtime, providers=providers[i:]) for i in range(len(providers))] or [runtime]


def _frames(source: str | None, image: str | None) -> Sequence[Any]:
    if source is None:
        return ()
    from mtl_perception.deployment.calibration_frames import frames_of
    from mtl_perception.deployment.timed_network import FRAMES

    return list(frames_of(source, FRAMES, image))


def _check_writable(path: Path) -> None:
    """Find out before the work that its results can be kept."""
    if path.is_dir():
        raise DeploymentError(f"{path} is a folder: name a file to keep the figures in")
    check_writable(path.parent)


def _keep(path: Path, content: dict[str, Any]) -> None:
    from mtl_perception.atomic_write import write_atomically

    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
