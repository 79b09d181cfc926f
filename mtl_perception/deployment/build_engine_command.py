"""The command ``mtl-perception build-engine``: arguments, and what is said when the work is done."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mtl_perception.argument_types import at_least_one
from mtl_perception.atomic_write import check_writable, write_atomically
from mtl_perception.deployment.errors import DeploymentError

GOOD, REFUSED = 0, 1
INT8 = "int8"
_DEMO = Path("demo") / "rooms.mcap"


def add_build_engine(commands: argparse._SubParsersAction) -> None:
    """Add ``build-engine``; it leaves what to call as ``command``: of the options, to the exit code.

    It may raise DeploymentError, NetworkError and OSError.
    """
    from mtl_perception.deployment.parity import TOLERANCES

    rows = [
        f"  {name}  depth moved by {100 * t.depth_median:g} % (median), {100 * t.depth_p99:g} % (99th percentile); "
        f"class kept in {100 * t.same_class:g} % of the pixels"
        for name, t in TOLERANCES.items()
    ]
    parser = commands.add_parser(
        "build-engine",
        help="build a network's TensorRT engine for this GPU, and keep it if it answers as the network does",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""Build the TensorRT engine that the node and the other commands will then open at once; without
this they build it when they first need it, which takes minutes, and nobody compares. The engine is run on
frames, and so is the network, by ONNX Runtime on the CPU; an engine whose depth or classes moved beyond
tolerance is refused, and not run by anything until it is built again and passes.""",
        epilog="\n".join(["tolerances:", *rows])
        + """

int8 needs a network whose arithmetic is quantised. Where MODEL is not, it is, with --frames to calibrate
on, and written to the current folder as NAME_int8.onnx: that is the network to run then. What is not
quantised in it runs in fp32; `--precision fp16` on a quantised file makes that half precision. A quantised
file is held to the tolerances of int8.

Engines are kept in ~/.cache/mtl_perception/engines, or where $MTL_PERCEPTION_CACHE says, for one kind of
GPU and one version of the driver, of CUDA and of TensorRT; with another of these they are built anew.

exit codes:
  0    the engine is kept
  1    the engine was refused: it does not answer as the network does
  2    could not: no TensorRT or GPU, a layer it does not support, or an argument is unusable
  130  interrupted with Ctrl-C""",
    )
    parser.add_argument("model", metavar="MODEL", help="network file, or the bare name of a shipped one")
    parser.add_argument("--precision", default="fp32", choices=tuple(TOLERANCES), help="(default: %(default)s)")
    parser.add_argument(
        "--frames",
        metavar="BAG|FOLDER[:SPLIT]",
        help="frames to compare on, and to calibrate on: a recording of your own camera is best (default: the demo's)",
    )
    parser.add_argument("--image", metavar="TOPIC", help="colour images of the recording, where it has several topics")
    parser.add_argument(
        "--count", type=at_least_one, default=50, metavar="N", help="how many to compare on (default: %(default)s)"
    )
    parser.set_defaults(command=_build_engine)


def _build_engine(options: argparse.Namespace) -> int:
    from mtl_perception.backends.tensorrt_graph import read_graph
    from mtl_perception.backends.tensorrt_opening import check_there
    from mtl_perception.backends.tensorrt_quantisation import is_quantised
    from mtl_perception.deployment.build_engine import build_engine, reference_of
    from mtl_perception.deployment.parity import TOLERANCES
    from mtl_perception.share import model_path

    check_there()
    path = model_path(options.model)
    reference = reference_of(path)
    model, quantised_to = path.read_bytes(), None
    quantised = is_quantised(read_graph(model))
    if options.precision == INT8 and not quantised:
        from mtl_perception.deployment.quantization import TENSORRT, quantize

        quantised_to = _to_be_quantised(path, options.frames)
        # Every other one is calibrated on: those it is compared on are to be new to it.
        both = _frames(options.frames, 2 * options.count, options.image)
        frames, model = both[::2], quantize(model, both[1::2], TENSORRT)
    else:
        frames = _frames(options.frames, options.count, options.image)
    # Whatever the rest computes in, roundings to 8 bits tip here and there.
    tolerance = TOLERANCES[INT8 if quantised else options.precision]
    precision = "fp32" if options.precision == INT8 else options.precision
    shown = tqdm(frames, desc="comparing", unit="frame", disable=None)
    verdict = build_engine(model, precision, reference, shown, tolerance)
    of_whom = options.frames or "the demo's recording only: name one of your own camera with --frames"
    print(f"{verdict.engine}, against {verdict.reference}, on {verdict.parity.frames} frames of {of_whom}")
    print(verdict.parity.table(tolerance))
    if verdict.complaints:
        print(f"mtl-perception: the engine is refused: {'; '.join(verdict.complaints)}", file=sys.stderr)
        return REFUSED
    print(f"kept as {verdict.path}")
    if quantised_to:
        write_atomically(quantised_to, model)
        print(f"the quantised network is {quantised_to}: run that in place of {path}")
    print(f"for the node: precision:={precision}; its backends, auto, take TensorRT first")
    return GOOD


def _frames(source: str | None, count: int, image: str | None) -> list[np.ndarray]:
    from mtl_perception.deployment.calibration_frames import frames_of
    from mtl_perception.share import share_directory

    return list(frames_of(source or str(share_directory() / _DEMO), count, image))


def _to_be_quantised(path: Path, source: str | None) -> Path:
    """Where the quantised network is to be written.

    Raises:
        DeploymentError: there is nothing to calibrate on, or a file of that name.
    """
    if source is None:
        raise DeploymentError(
            f"{path} is not quantised, and int8 needs frames to calibrate on: name a recording or a data set folder "
            "with --frames"
        )
    target = Path(f"{path.stem}_int8.onnx")
    if target.exists():
        raise DeploymentError(f"{target} is there already: build from it, or move it away")
    check_writable(target.parent)
    return target
