"""Run a network file with ONNX Runtime on any of its execution providers."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
from collections.abc import Sequence

import numpy as np

from mtl_perception.backends import DeviceLostError, NetworkError
from mtl_perception.backends.signature import INPUT, OUTPUTS, check_signature

try:
    import onnxruntime
except ImportError as error:
    raise NetworkError(
        f"ONNX Runtime is not there ({error}): pip install onnxruntime (or onnxruntime-gpu for an NVIDIA GPU)"
    ) from error

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
_LOG = logging.getLogger(__name__)
_LOST = frozenset((46, 100, 101, 201, 214, 220, 226, 700, 702, 709, 710, *range(714, 720), 802, 806, 810, 911, 999))
"""Codes of the errors of ``cuda.py`` after which the process gets nothing out of the device any more."""
_OPTIONS = {CUDA: (CUDA, {"use_tf32": "0"})}
"""fp32 is fp32: products of 10 bits, the library's default on newer GPUs, would be another precision."""
_NO_CPU = "session.disable_cpu_ep_fallback"
"""The library's option by which opening fails where it would run a part on the CPU."""
_DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}
"""Numpy's names of the library's types."""


def usual_providers() -> tuple[str, ...]:
    """CUDA where this build has it, and the CPU."""
    available = onnxruntime.get_available_providers()
    return tuple(p for p in (CUDA, CPU) if p in available)


class OnnxRuntimeBackend:
    """A network file in an ONNX Runtime session.

    Args:
        model: the bytes of the file, which carries all its weights.
        providers: execution providers; the first must come up and run, and those after it run what it cannot, which
            is an error where there are none. Empty for the CPU.
        threads: threads within an operator, 0 for one a core.
        fuse: put operations together for speed. Without, each is computed as it stands in the file, and where that
            is quantised, in float32 between the rounding: exactly, when the processor's own 8-bit sums may overflow.

    Raises:
        NetworkError: the file is no network file, or the first provider does not come up or does not run it.
    """

    def __init__(self, model: bytes, providers: Sequence[str] = (), threads: int = 0, *, fuse: bool = True) -> None:
        available = onnxruntime.get_available_providers()
        wanted = list(providers) or [CPU]
        if wanted[0] not in available:
            raise NetworkError(
                f"execution provider {wanted[0]} is not in this onnxruntime, which has: {', '.join(available)}"
            )
        if CUDA in wanted:
            _load_cuda()
        if TENSORRT in wanted and TENSORRT in available:
            _prepare_tensorrt()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        if not fuse:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4  # what it would log as an error it raises, too
        options.add_session_config_entry("session.load_model_format", "ONNX")
        # Idle threads that spin for work would take the cores the rest of the robot needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if CPU not in wanted:  # which it would add by itself
            options.add_session_config_entry(_NO_CPU, "1")
        try:
            # Its own way to fall back asks nobody, and tells the terminal alone.
            self._session = onnxruntime.InferenceSession(
                model, options, providers=[_OPTIONS.get(p, p) for p in wanted if p in available], enable_fallback=0
            )
        except Exception as error:  # the library raises many types, all derived from Exception alone
            if "fallback to CPU EP" in str(error):
                raise NetworkError(
                    f"{', '.join(wanted)} did not come up, or cannot run all of it: list {CPU} too to allow that for "
                    "the rest, or install what ONNX Runtime's own messages say it lacks"
                ) from error
            raise NetworkError(f"ONNX Runtime cannot open it: {_first_line(error)}") from error
        active = self._session.get_providers()[0]
        if active != wanted[0]:
            raise NetworkError(
                f"{wanted[0]} did not come up: list another provider after it to allow that instead, or install what "
                "ONNX Runtime's own messages say it lacks"
            )
        self.device = f"ONNX Runtime {onnxruntime.__version__}, {active}"
        self.metadata = self._session.get_modelmeta().custom_metadata_map
        self.input_shape = check_signature(
            _signature(self._session.get_inputs()), _signature(self._session.get_outputs())
        )
        if active != CPU:
            self._try(active)

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run on one image; see ``Backend.run``.

        Raises:
            DeviceLostError: the GPU is gone, or does nothing more for this process.
            NetworkError: the library failed otherwise, e.g. for want of device memory.
        """
        try:
            depth, segmentation, confidence = self._session.run(list(OUTPUTS), {INPUT: image})
        except Exception as error:  # as above
            code = re.search(r"CUDA failure (\d+)", str(error))
            kind = DeviceLostError if code and int(code[1]) in _LOST else NetworkError
            raise kind(f"ONNX Runtime failed: {_first_line(error)}") from error
        return depth, segmentation, confidence

    def _try(self, provider: str) -> None:
        """Run a blank frame: a build without code for this GPU, or too little of its memory, shows no sooner."""
        try:
            self.run(np.zeros((1, *self.input_shape, 3), np.uint8))
        except NetworkError as error:
            raise NetworkError(f"{provider} came up and does not run it: {error}") from error


def _prepare_tensorrt() -> None:
    """Have fp32 be fp32 there, too, for which the provider has no option, and tell what comes now.

    Its own cache of engines is not used: it takes a network of other weights for the same (onnxruntime#6455).
    """
    os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
    _LOG.warning(
        "ONNX Runtime's %s builds an engine, which takes minutes, at every opening: the backend tensorrt keeps its own",
        TENSORRT,
    )


def _load_cuda() -> None:
    """Have CUDA's and cuDNN's libraries of pip's packages found, where there are any."""
    if load := getattr(onnxruntime, "preload_dlls", None):  # since 1.21
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):  # the session will tell
            load()


def _signature(values: Sequence[onnxruntime.NodeArg]) -> dict[str, tuple[str, Sequence[object]]]:
    return {value.name: (_DTYPES.get(value.type, value.type), value.shape) for value in values}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
