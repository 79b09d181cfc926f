"""The command ``mtl-perception quantize``: arguments, and what is said when the work is done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from mtl_perception.argument_types import at_least_one, user_path
from mtl_perception.atomic_write import check_writable, write_atomically
from mtl_perception.deployment.errors import DeploymentError

if TYPE_CHECKING:
    from mtl_perception.backends import Backend
    from mtl_perception.deployment.parity import Parity

GOOD, REFUSED = 0, 1
_HELD_OUT = 9
"""One frame in so many is not calibrated on but compared on."""
_CPU, _TENSORRT = "cpu", "tensorrt"


def add_quantize(commands: argparse._SubParsersAction) -> None:
    """Add ``quantize``; it leaves what to call as ``command``: of the options, to the exit code.

    It may raise DeploymentError, NetworkError and OSError.
    """
    parser = commands.add_parser(
        "quantize",
        help="make a faster network of 8-bit integers, on frames of your own camera",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""Make a second network file whose convolutions compute in 8-bit integers. Which values its tensors
take is seen on frames, best of the camera it will run on. The new network is then run beside the old one on
other frames of the same source, and is not written if its depth or classes moved beyond tolerance.""",
        epilog="""How good it is, no such comparison tells: measure both on what has the truth, with
`mtl-perception evaluate` or `python -m training evaluate`. docs/results/quantization.md has the figures of the
network that was shipped before this one.

exit codes:
  0    OUT is written
  1    refused: it does not answer as the network does
  2    could not: a file, a frame or an argument is unusable
  130  interrupted with Ctrl-C""",
    )
    parser.add_argument("model", metavar="MODEL", help="network file, or the bare name of a shipped one")
    parser.add_argument("out", type=user_path, metavar="OUT", help="network file to write, *.onnx")
    parser.add_argument(
        "--frames",
        required=True,
        metavar="BAG|FOLDER[:SPLIT]",
        help="a recording or a data set folder; not the one it will be measured on",
    )
    parser.add_argument("--image", metavar="TOPIC", help="colour images of the recording, where it has several topics")
    parser.add_argument(
        "--count",
        type=at_least_one,
        default=100,
        metavar="N",
        help="frames to calibrate on, 10 or more (default: %(default)s)",
    )
    parser.add_argument(
        "--for",
        dest="target",
        default=_CPU,
        choices=(_CPU, _TENSORRT),
        help="what is to run it; a file for the one is slow, inexact or refused on the other (default: %(default)s)",
    )
    parser.set_defaults(command=_quantize)


def _quantize(options: argparse.Namespace) -> int:
    from mtl_perception.backends.choice import Runtime
    from mtl_perception.deployment.calibration_frames import frames_of
    from mtl_perception.deployment.parity import TOLERANCES
    from mtl_perception.deployment.quantization import quantize
    from mtl_perception.network import Network
    from mtl_perception.share import model_path

    path = model_path(options.model)
    _check_out(options.out, path)
    Network(path, Runtime(("onnxruntime",), providers=("CPUExecutionProvider",)))  # tells what is wrong with it, if so
    total = options.count + options.count // (_HELD_OUT - 1) + 1
    held_out: list[np.ndarray] = []
    frames = _without_held_out(frames_of(options.frames, total, options.image), held_out)
    model = path.read_bytes()
    try:
        quantised = quantize(model, tqdm(frames, desc="calibrating", unit="frame", disable=None), options.target)
    except DeploymentError as error:
        raise DeploymentError(f"{path} is not quantised: {error}") from error
    parity, device = _parity(model, quantised, held_out, options.target)
    tolerance = TOLERANCES["int8"]
    print(f"against the float network on {parity.frames} other frames of {options.frames}, {device}")
    print(parity.table(tolerance))
    if complaints := parity.beyond(tolerance):
        print(f"mtl-perception: {options.out} is not written: {'; '.join(complaints)}", file=sys.stderr)
        return REFUSED
    write_atomically(options.out, quantised)
    print(f"{options.out} ({len(quantised) / 1e6:.1f} MB, of {len(model) / 1e6:.1f} MB)")
    return GOOD


def _check_out(out: Path, model: Path) -> None:
    """Find out before the work that its result can be kept."""
    if out.suffix != ".onnx":
        raise DeploymentError(f"a network file is named .onnx, not {out.name}")
    if out.exists() and out.samefile(model):
        raise DeploymentError(f"{out} is the network to be quantised, which is still needed: choose another name")
    if out.is_dir():
        raise DeploymentError(f"{out} is a folder")
    if out.exists() and not _is_quantised(out):
        raise DeploymentError(f"{out} is there and is no quantised network: choose another name, or move it away")
    check_writable(out.parent)


def _is_quantised(path: Path) -> bool:
    """Whether this command may have made it, and can make it again; a network that somebody trained it cannot."""
    from mtl_perception.backends import NetworkError
    from mtl_perception.backends.tensorrt_graph import read_graph
    from mtl_perception.backends.tensorrt_quantisation import is_quantised

    try:
        return is_quantised(read_graph(path.read_bytes()))
    except NetworkError:
        return False


def _without_held_out(frames: Iterator[np.ndarray], held_out: list[np.ndarray]) -> Iterator[np.ndarray]:
    """``frames`` but for some, evenly spread, that are put into ``held_out``."""
    for i, frame in enumerate(frames):
        if i % _HELD_OUT == _HELD_OUT // 2:
            held_out.append(frame)
        else:
            yield frame


def _parity(model: bytes, quantised: bytes, frames: list[np.ndarray], target: str) -> tuple[Parity, str]:
    """How far the two differ, and what ran them."""
    from mtl_perception.deployment.parity import compare

    reference, other = _opened(model, target), _opened(quantised, target)
    return compare(reference, other, tqdm(frames, desc="comparing", unit="frame", disable=None)), other.device


def _opened(model: bytes, target: str) -> Backend:
    from mtl_perception.backends.choice import Runtime, candidates, open_backend
    from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend

    cpu = ("CPUExecutionProvider",)
    if target == _TENSORRT:  # whose sums are exact, as the integer ones of this processor may not be
        return OnnxRuntimeBackend(model, cpu, fuse=False)
    return open_backend(Path(), model, candidates(Runtime(("openvino", "onnxruntime"), providers=cpu))).backend
