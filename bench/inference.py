"""How fast networks run on this machine's processor: ``python -m bench.inference``.

The same networks, of random weights, in torch as they are exported (depth and classes at the size of the input) and as
network files with every library of the package that comes up; input 640x480, 40 classes, depth. Each runs in a process
of its own, they take turns, and a frame is `Network.predict` as the node calls it. The whole node runs each network
file in turn with its network alone, fed by a camera in another process that subscribes to depth, segmentation and
confidence.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm, trange

from bench import session_options
from bench.figure import Row
from bench.inference_page import page, rows
from bench.torch_network import SIZE, Architecture, timed_torch_network
from mtl_perception.argument_types import user_path
from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.deployment.benchmark_figures import spread
from mtl_perception.deployment.conditions import conditions
from mtl_perception.deployment.made_frames import made_frames
from mtl_perception.deployment.timed_network import FRAMES, Opened, TimedNetwork, timed_network
from mtl_perception.deployment.timed_node import time_node
from mtl_perception.json_file import write_json
from mtl_perception.machine import load_average
from training.results_page import write_page

ARCHITECTURES = (
    Architecture("shipped", "efficientnet_lite0", (32, 32, 64, 64), 192, 256, "as shipped, working at 256x192"),
    Architecture("faithful_small", "hrnet_w18_small_v2", None, 480, 640, "MTI-Net on HRNet-W18-Small-v2 at 640x480"),
    Architecture("faithful", "hrnet_w18", None, 480, 640, "MTI-Net on HRNet-W18 at 640x480"),
)
LIBRARIES = ("onnxruntime", "openvino")
TORCH = ("eager", "channels_last")
_BLOCK = 5


def measure(architecture: Architecture, file: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one network; ``file`` is its network file."""
    hows = (*TORCH, "compile") if options.compile else TORCH
    starts = {f"torch {how}": (timed_torch_network(), "open_torch", (architecture, how)) for how in hows}
    starts |= {library: (timed_network(), "open", (file, Runtime((library,)))) for library in LIBRARIES}
    values: dict[str, Any] = {"what": architecture.what, "load_average": load_average()}
    values["ms"], values["not_measured"] = _in_turns(starts, options.rounds, architecture.name)
    there = [library for library in LIBRARIES if library in values["ms"]]
    values["first_over_median"] = {library: _first(file, library, options.starts) for library in there}
    frames = made_frames(FRAMES, *SIZE)
    values["node"] = {}
    for library in there:
        with tqdm(total=options.node_blocks, desc=f"{architecture.name}, node, {library}", disable=None) as progress:
            times = time_node(
                file,
                Runtime((library,)),
                frames,
                525.0,
                blocks=options.node_blocks,
                block=_BLOCK,
                on_block=progress.update,
            )
        alone, node = (float(np.median(blocks)) for blocks in (times.alone, times.node))
        values["node"][library] = {
            "network_ms": spread(times.alone),
            "node_ms": spread(times.node),
            "ratio": node / alone,
            "added_ms": node - alone,
        }
    return values


def _in_turns(
    starts: dict[str, tuple[AbstractContextManager[TimedNetwork], str, tuple]], rounds: int, name: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Spread of the milliseconds of all that come up, and why the others do not."""
    blocks: dict[str, list[list[float]]] = {}
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        networks = {}
        for rival, (process, method, arguments) in starts.items():
            network = stack.enter_context(process)
            try:
                getattr(network, method)(*arguments)
            except NetworkError as error:
                missing[rival] = str(error)
                continue
            networks[rival], blocks[rival] = network, []
        for _ in trange(rounds, desc=name, unit="round", disable=None):
            for rival, network in networks.items():
                blocks[rival].append(network.time(_BLOCK))
    return {rival: spread(times) for rival, times in blocks.items()}, missing


def _first(file: Path, library: str, starts: int) -> list[float]:
    """Time of the first frame after warm-up over the median of those after it, of as many starts."""
    ratios = []
    for _ in trange(starts, desc=f"{file.stem}, starts, {library}", disable=None):
        with timed_network() as network:
            opened: Opened = network.open(file, Runtime((library,)))
            ratios.append(opened.first_ms / float(np.median(network.time(_BLOCK))))
    return ratios


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write ``inference.md`` and ``.json``; 1 when a goal is missed."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m bench.inference", description=__doc__)
    names = [architecture.name for architecture in ARCHITECTURES]
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"which: {', '.join(names)} (default: all)")
    parser.add_argument("--rounds", type=int, default=10, help="turns of 5 frames (default: %(default)s)")
    parser.add_argument("--starts", type=int, default=5, help="fresh processes for the first frame (default: 5)")
    parser.add_argument("--node-blocks", type=int, default=20, help="of 5 frames through the node (default: 20)")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: it takes minutes, and a compiler")
    parser.add_argument(
        "--out", type=user_path, default=Path("docs/results"), help="where to write (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.networks) - set(names):
        parser.error(f"there is no network {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    command = shlex.join(["python", "-m", "bench.inference", *arguments])
    kept = options.out / "inference.json"
    content = json.loads(kept.read_text()) if kept.exists() else {}
    for architecture in ARCHITECTURES:
        if options.networks and architecture.name not in options.networks:
            continue
        with tempfile.TemporaryDirectory() as folder:
            file = architecture.write(Path(folder))
            under = conditions(command)
            content[architecture.name] = {"conditions": under, **measure(architecture, file, options)}
            if architecture is ARCHITECTURES[0]:
                content[architecture.name]["session_options"] = session_options.measure(file, options.rounds)
        write_json(kept, content)
        write_page(options.out / "inference.md", page(__doc__ or "", content))
        _say(rows(content[architecture.name]))
    return int(any(row.met is False for values in content.values() for row in rows(values)))


def _say(table: Sequence[Row]) -> None:
    for row in table:
        met = {None: "", True: f" [{row.goal}: met]", False: f" [{row.goal}: MISSED]"}[row.met]
        print(f"  {row.what}: {row.value}{met}")


if __name__ == "__main__":
    sys.exit(main())
