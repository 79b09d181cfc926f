"""Run a network file with OpenVINO on the CPU."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from types import ModuleType

import numpy as np

from mtl_perception.backends import NetworkError
from mtl_perception.backends.signature import INPUT, OUTPUTS, check_signature

_TELEMETRY = "openvino_telemetry"
_DEVICE = "CPU"
_HALVES = {"BF16": "bf16", "FP16": "f16"}
"""Half precisions that a CPU may be capable of, the faster first, and the library's hints for them."""
_WHERE = ("Exception from ", "Check ", "FrontEnd API failed", "Model wasn't fully converted", "Summary:")
"""Lines of the library's messages that say where in its own code something failed begin so."""


def _import_without_telemetry() -> ModuleType:
    """OpenVINO, without what it comes with to report its use.

    Its import alone leaves an identifier in the home folder, forks, and tells Google Analytics, unless that was
    declined before; where the package that does it is not there, it does without.
    """
    known = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # how Python marks what is not to be imported
    try:
        import openvino
    finally:
        del sys.modules[_TELEMETRY]
        if known is not None:
            sys.modules[_TELEMETRY] = known
    return openvino


try:
    openvino = _import_without_telemetry()
except ImportError as error:
    raise NetworkError(f"OpenVINO is not there ({error}): pip install openvino") from error


class OpenVinoBackend:
    """A network file compiled by OpenVINO for the CPU.

    Args:
        model: the bytes of the file, which carries all its weights.
        precision: ``fp32``, or ``fp16`` for the half precision that the CPU has.
        threads: to run with, 0 for one a core.

    Raises:
        NetworkError: the file is no network file, the library cannot run it, or the CPU has no half precision.
    """

    def __init__(self, model: bytes, precision: str = "fp32", threads: int = 0) -> None:
        version = openvino.get_version().split("-")[0]
        try:
            core = openvino.Core()
            hint = "f32" if precision == "fp32" else _half(core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES"))
            options = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": hint,
                "INFERENCE_NUM_THREADS": threads,
                # Pinned, the threads of two processes would wait for one core while another is idle.
                "ENABLE_CPU_PINNING": False,
            }
            network = core.read_model(model)
            compiled = core.compile_model(network, _DEVICE, options)
            self._request = compiled.create_infer_request()
        except NetworkError:
            raise
        except Exception as error:  # the library documents no types
            raise NetworkError(f"OpenVINO cannot open it: {_reason(error)}") from error
        self._lock = threading.Lock()  # two threads in one request get each other's results, and no error
        self.device = f"OpenVINO {version}, {_DEVICE}" + ("" if hint == "f32" else f" in {hint}")
        kept = dict(network.rt_info.items()).get("framework", {})
        self.metadata = {key: str(value.value) for key, value in kept.items()}
        self.input_shape = check_signature(
            _signature(compiled.inputs, (INPUT,)), _signature(compiled.outputs, tuple(OUTPUTS))
        )
        names = [port.get_names() for port in compiled.outputs]
        self._places = [next(i for i, known in enumerate(names) if name in known) for name in OUTPUTS]

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run on one image; see ``Backend.run``.

        Raises:
            NetworkError: the library failed.
        """
        try:
            with self._lock:
                found = self._request.infer([image], share_inputs=True)
        except Exception as error:  # as above
            raise NetworkError(f"OpenVINO failed: {_reason(error)}") from error
        depth, segmentation, confidence = (found[place] for place in self._places)
        return depth, segmentation, confidence


def _half(capabilities: Iterable[str]) -> str:
    for capability, hint in _HALVES.items():
        if capability in capabilities:
            return hint
    raise NetworkError("this CPU has no half precision (bfloat16 or float16): run it in fp32, or quantise it")


def _signature(ports: Iterable[openvino.ConstOutput], wanted: tuple[str, ...]) -> dict[str, tuple[str, list[object]]]:
    """What ``check_signature`` takes; a tensor has several names where it was passed on under another."""
    found = {}
    for port in ports:
        shape = [d.get_length() if d.is_static else "?" for d in port.get_partial_shape()]
        kind = (port.get_element_type().to_dtype().name, shape)
        names = port.get_names()
        for name in [name for name in wanted if name in names] or [min(names, default="one without a name")]:
            found[name] = kind
    return found


def _reason(error: Exception) -> str:
    lines = (line.strip().removeprefix("-- ") for line in str(error).splitlines())
    return next((line for line in lines if line and not line.startswith(_WHERE)), type(error).__name__)
