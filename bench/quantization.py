"""What 8-bit integers cost in accuracy and gain in time: ``python -m bench.quantization CALIBRATE MEASURE``.

The network is quantised by `mtl_perception.deployment.quantization`, as `mtl-perception quantize` does it, on frames
of the first source, and measured on all frames of the second by `training.deployed.evaluation`. Beside it stand files
that were quantised in other ways, to show what each choice is for. Times are of `Network.predict`, each network in a
process of its own, in turns of 5 frames; networks named with --also are quantised on the same frames and timed only.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from tqdm import tqdm, trange

from bench.quantization_page import page
from mtl_perception.argument_types import user_path
from mtl_perception.backends import NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend
from mtl_perception.deployment import quantization
from mtl_perception.deployment.benchmark_figures import spread
from mtl_perception.deployment.calibration_frames import frames_of
from mtl_perception.deployment.conditions import conditions
from mtl_perception.deployment.quantization import CPU, TENSORRT
from mtl_perception.deployment.timed_network import timed_network
from mtl_perception.json_file import write_json
from mtl_perception.machine import load_average
from mtl_perception.model_card import METADATA_KEY, ModelCard
from mtl_perception.network import Network
from mtl_perception.share import model_path
from training.datasets.source import Source
from training.deployed.evaluation import evaluate
from training.errors import ConfigurationError
from training.results_page import write_page

_CPU_PROVIDER = ("CPUExecutionProvider",)
PATHS = {
    "onnxruntime": Runtime(("onnxruntime",), providers=_CPU_PROVIDER),
    "openvino": Runtime(("openvino",)),
    "openvino in half precision": Runtime(("openvino",), "fp16"),
}
"""How the package runs a file on a CPU; what this one does not come up with is left out."""
EXACT = "exact"
"""Each operation as it stands in the file, its sums exact: as processors with VNNI, and GPUs, add them."""
_BLOCK = 5
_Settings = dict[str, Any]


def _all_eight_bits(settings: _Settings) -> _Settings:
    extra = {name: value for name, value in settings["extra_options"].items() if name != "TensorQuantOverrides"}
    return {**settings, "reduce_range": False, "nodes_to_exclude": [], "extra_options": extra}


def _all_seven_bits(settings: _Settings) -> _Settings:
    return {**_all_eight_bits(settings), "reduce_range": True}


def _first_too(settings: _Settings) -> _Settings:
    return {**settings, "nodes_to_exclude": []}


def _convolutions_only(settings: _Settings) -> _Settings:
    return {**settings, "op_types_to_quantize": ["Conv"]}


def _chosen(settings: _Settings) -> _Settings:
    return settings


VARIANTS: dict[str, tuple[str, Callable[[_Settings], _Settings], tuple[str, ...]]] = {
    "weights of 8 bits": (CPU, _all_eight_bits, ("openvino", EXACT)),
    "weights of 7 bits": (CPU, _all_seven_bits, ("openvino",)),
    "... depthwise of 8": (CPU, _first_too, ("openvino",)),
    "... and the first in float": (CPU, _chosen, tuple(PATHS)),
    "... between convolutions in float": (CPU, _convolutions_only, ("openvino", "openvino in half precision")),
    "for TensorRT": (TENSORRT, _chosen, (EXACT,)),
}
"""By name: for what, how its settings differ from those of the product, and what it is measured with."""
CHOSEN = "... and the first in float"


def quantised(model: bytes, source: str, count: int, name: str) -> bytes:
    """The variant ``name`` of a network file, calibrated on ``count`` frames of ``source``."""
    target, change, _ = VARIANTS[name]
    made = quantization._settings
    with mock.patch.object(quantization, "_settings", lambda *arguments: change(made(*arguments))):
        frames = tqdm(frames_of(source, count), desc=f"calibrating, {name}", unit="frame", disable=None)
        return quantization.quantize(model, frames, target)


def paths_there(model: Path) -> dict[str, Runtime]:
    """Those of ``PATHS`` that come up; tells of the others."""
    found = {}
    for name, runtime in PATHS.items():
        try:
            Network(model, runtime)
        except NetworkError as error:
            print(f"{name} is not measured: {error}", file=sys.stderr)
        else:
            found[name] = runtime
    return found


def accuracy(file: Path, source: Source, path: str) -> dict[str, float]:
    """The figures of ``training.deployed.evaluation`` by one of ``PATHS``, or exactly."""
    if path != EXACT:
        return evaluate(Network(file, PATHS[path]), source)[0].values
    backend = OnnxRuntimeBackend(file.read_bytes(), _CPU_PROVIDER, fuse=False)
    card = ModelCard.from_json(backend.metadata[METADATA_KEY])
    return evaluate(Network.of(backend, card, file), source)[0].values


def milliseconds(files: dict[str, Path], rounds: int) -> dict[str, dict[str, Any]]:
    """Spread of the times of a frame, by file and path."""
    paths = paths_there(files["float"])
    with ExitStack() as stack:
        networks = {}
        for name, file in files.items():
            for path, runtime in paths.items():
                network = stack.enter_context(timed_network())
                network.open(file, runtime)
                networks[name, path] = network, []
        for _ in trange(rounds, desc="timing", unit="round", disable=None):
            for network, blocks in networks.values():
                blocks.append(network.time(_BLOCK))
    found: dict[str, dict[str, Any]] = {name: {} for name in files}
    for (name, path), (_, blocks) in networks.items():
        found[name][path] = spread(blocks)
    return found


def measured(model: Path, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """How good the float network and every variant are."""
    source = Source.parse(options.measure, ".")
    _check_frames(options.calibrate, options.measure, source)
    paths = paths_there(model)
    found = {"float": {path: accuracy(model, source, path) for path in paths}}
    for name, (_, _, asked_for) in VARIANTS.items():
        file = folder / "variant.onnx"
        file.write_bytes(quantised(model.read_bytes(), options.calibrate, options.count, name))
        found[name] = {path: accuracy(file, source, path) for path in asked_for if path in (*paths, EXACT)}
    return {"frames": len(source.names), "accuracy": found}


def _check_frames(calibrate: str, measure: str, source: Source) -> None:
    """A network is not measured on frames that it was fitted to."""
    if Path(calibrate).exists() and not (Path(calibrate) / "dataset.json").exists():
        return  # A recording is no part of a folder.
    if both := source.shared_with(Source.parse(calibrate, ".")):
        raise ConfigurationError(
            f"{len(both)} frames, {min(both)} is one, are of {calibrate}, which is calibrated on, and of {measure}, "
            "which is measured on: take splits that share none"
        )


def timed(model: Path, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Times of each network, float and as chosen, and the load average after them."""
    found = {}
    for file in (model, *options.also):
        small = folder / f"{file.stem}_int8.onnx"
        small.write_bytes(quantised(file.read_bytes(), options.calibrate, options.count, CHOSEN))
        found[file.stem] = milliseconds({"float": file, "int8": small}, options.rounds)
        found[file.stem]["load_average"] = load_average()
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write ``quantization.md`` and ``.json``; 1 when a goal is missed."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m bench.quantization", description=__doc__)
    parser.add_argument("calibrate", metavar="CALIBRATE", help="frames to calibrate on: BAG|FOLDER[:SPLIT]")
    parser.add_argument("measure", metavar="MEASURE", help="frames to measure on, others: FOLDER[:SPLIT]")
    parser.add_argument("--model", default="", help="network file, or the bare name of a shipped one (default: that)")
    parser.add_argument(
        "--also", nargs="+", type=user_path, default=[], metavar="FILE", help="network files to time only"
    )
    parser.add_argument("--count", type=int, default=100, help="frames to calibrate on (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="turns of 5 frames (default: %(default)s)")
    parser.add_argument(
        "--out", type=user_path, default=Path("docs/results"), help="where to write (default: %(default)s)"
    )
    parser.add_argument(
        "--times", action="store_true", help="only the times anew; accuracy as quantization.json has it"
    )
    options = parser.parse_args(arguments)
    under = conditions(shlex.join(["python", "-m", "bench.quantization", *arguments]))
    model, kept = model_path(options.model), options.out / "quantization.json"
    with tempfile.TemporaryDirectory() as folder:
        if options.times:
            content = json.loads(kept.read_text())
        else:
            content = {"network": model.stem, **measured(model, options, Path(folder)), "conditions": under}
        content["times"] = {"conditions": under, "milliseconds": timed(model, options, Path(folder))}
    text, is_met = page(__doc__ or "", content, CHOSEN)
    print(text)
    write_json(kept, content)
    write_page(options.out / "quantization.md", text)
    return int(not is_met)


if __name__ == "__main__":
    sys.exit(main())
