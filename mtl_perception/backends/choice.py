"""Which library runs a network file: what is wished, in which order, and why it became what it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from mtl_perception.backends import Backend, NetworkError
from mtl_perception.backends.external_data import external_files

AUTO = "auto"
PRECISIONS = ("fp32", "fp16")


@dataclass(frozen=True)
class Runtime:
    """How a network file is to be run.

    Attributes:
        backends: names of ``BACKENDS`` in order of preference. One that does not come up is passed over only for
            one also listed; ``auto`` stands for all that are there, the fastest first.
        precision: of the arithmetic; ``fp16`` is half precision where the device has it (bfloat16 on a CPU). An
            int8 network is a file of its own (``mtl-perception quantize``) and takes either.
        providers: execution providers of ONNX Runtime in order of preference, of which the same holds; empty for CUDA
            where this ONNX Runtime has it, and the CPU.
        threads: threads within an operator on a CPU, 0 for one a core.
    """

    backends: tuple[str, ...] = (AUTO,)
    precision: str = "fp32"
    providers: tuple[str, ...] = ()
    threads: int = 0


class Candidate(NamedTuple):
    """A library, and how it is to run a file."""

    name: str
    runtime: Runtime


class Opened(NamedTuple):
    """An open network.

    Attributes:
        backend: what runs it.
        passed_over: a line for each library that was to run it and does not: which, and why.
        others: what would have been tried next.
    """

    backend: Backend
    passed_over: tuple[str, ...]
    others: tuple[Candidate, ...]


def candidates(runtime: Runtime) -> list[Candidate]:
    """What is wished, one by one, in the order in which it is to be tried.

    Raises:
        NetworkError: there is no such library or precision.
    """
    if runtime.precision not in PRECISIONS:
        raise NetworkError(f"there is no precision {runtime.precision!r}; there are: {', '.join(PRECISIONS)}")
    return [Candidate(name, runtime) for name in _expanded(runtime.backends)]


def open_backend(path: Path, model: bytes, wished: Sequence[Candidate]) -> Opened:
    """Open a network file with the first of the wished libraries that comes up.

    Args:
        path: of the file, for messages and for what is kept beside it.
        model: its bytes. A file that names others as the place of its weights is refused: a library would read
            what it names, relative to wherever the process runs.
        wished: see ``candidates``.

    Raises:
        NetworkError: the file is damaged, or no library comes up, and the message gives the reason of each.
    """
    _refuse_external_data(model)
    passed_over: list[str] = []
    left = deque(wished)
    while left:
        name, runtime = left.popleft()
        if name == ONNXRUNTIME:  # one provider after the other, as if each were a library
            runtime = replace(runtime, providers=providers_of(runtime))
            if rest := runtime.providers[1:]:
                left.appendleft(Candidate(name, replace(runtime, providers=rest)))
        try:
            return Opened(BACKENDS[name](path, model, runtime), tuple(passed_over), tuple(left))
        except NetworkError as error:
            if (line := f"{name}: {error}") not in passed_over:  # a bad file is as bad for each provider
                passed_over.append(line)
    raise NetworkError("; ".join(passed_over))


def _expanded(names: Sequence[str]) -> list[str]:
    """``names`` with ``auto`` replaced by all it stands for, each once."""
    expanded: list[str] = []
    for name in names or (AUTO,):
        if name != AUTO and name not in BACKENDS:
            raise NetworkError(f"there is no backend {name!r}; there are: {', '.join([AUTO, *BACKENDS])}")
        expanded += [n for n in (BACKENDS if name == AUTO else [name]) if n not in expanded]
    return expanded


def providers_of(runtime: Runtime) -> tuple[str, ...]:
    """Execution providers of ONNX Runtime: those that are named, else the usual ones; none where it is not there."""
    try:
        from mtl_perception.backends.onnxruntime import usual_providers
    except NetworkError:
        return ()
    return runtime.providers or usual_providers()


def _refuse_external_data(model: bytes) -> None:
    try:
        files = external_files(model)
    except ValueError as error:
        raise NetworkError(f"it is damaged or no ONNX file ({error})") from error
    if files:
        raise NetworkError(f"its weights lie in another file, {files[0]!r}: export it with the weights inside")


def _tensorrt(path: Path, model: bytes, runtime: Runtime) -> Backend:
    if TENSORRT not in runtime.backends and runtime.providers:
        raise NetworkError("execution providers are named, which ONNX Runtime has")
    from mtl_perception.backends.tensorrt_opening import open_network

    return open_network(model, runtime.precision)


def _onnxruntime(path: Path, model: bytes, runtime: Runtime) -> Backend:
    from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend

    if runtime.precision != "fp32":
        raise NetworkError(f"ONNX Runtime runs the precision that is in the file, not {runtime.precision}")
    return OnnxRuntimeBackend(model, runtime.providers, runtime.threads)


def _openvino(path: Path, model: bytes, runtime: Runtime) -> Backend:
    from mtl_perception.backends.openvino import OpenVinoBackend

    if OPENVINO not in runtime.backends:  # so ``auto`` asks, which is to find the fastest
        if runtime.providers:
            raise NetworkError("execution providers are named, which ONNX Runtime has")
        if runtime.precision == "fp32" and _onnxruntime_runs_on_cuda(model):
            raise NetworkError("ONNX Runtime runs it on CUDA, and OpenVINO runs on the CPU")
    return OpenVinoBackend(model, runtime.precision, runtime.threads)


def _onnxruntime_runs_on_cuda(model: bytes) -> bool:
    """Whether CUDA comes up there; its builds for GPUs list the provider without a GPU or cuDNN as well."""
    try:
        from mtl_perception.backends.onnxruntime import CPU, CUDA, OnnxRuntimeBackend

        OnnxRuntimeBackend(model, [CUDA, CPU])
    except NetworkError:
        return False
    return True


ONNXRUNTIME = "onnxruntime"
OPENVINO = "openvino"
TENSORRT = "tensorrt"

BACKENDS: dict[str, Callable[[Path, bytes, Runtime], Backend]] = {
    TENSORRT: _tensorrt,
    OPENVINO: _openvino,
    ONNXRUNTIME: _onnxruntime,
}
"""What opens a network file, by name; the order is that of ``auto``."""
