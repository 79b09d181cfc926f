"""Run a network file with ONNX Runtime on any of its execution providers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtl_perception.backends import NetworkError
from mtl_perception.backends.external_data import external_files

try:
    import onnxruntime
except ImportError as error:
    raise NetworkError(
        f"ONNX Runtime is not there ({error}): pip install onnxruntime (or onnxruntime-gpu for an NVIDIA GPU)"
    ) from error

_CPU = "CPUExecutionProvider"
_OUTPUTS = {"depth": "tensor(float)", "segmentation": "tensor(uint8)", "confidence": "tensor(uint8)"}


class OnnxRuntimeBackend:
    """A network file in an ONNX Runtime session.

    Args:
        model: the bytes of the file, which carries all its weights. One that names other files as their
            place is refused: the library would read what it names, relative to wherever the process runs.
        providers: execution providers in order of preference, empty for CUDA where there is one and
            else the CPU. A provider that does not come up is passed over only for one also listed.
        threads: threads within an operator, 0 for one a core.

    Raises:
        NetworkError: the file is no network file, or no listed provider comes up.
    """

    def __init__(self, model: bytes, providers: Sequence[str] = (), threads: int = 0) -> None:
        _refuse_external_data(model)
        available = onnxruntime.get_available_providers()
        unknown = [p for p in providers if p not in available]
        if unknown:
            raise NetworkError(
                f"execution provider {unknown[0]} is not in this onnxruntime, which has: {', '.join(available)}"
            )
        wanted = list(providers) or [p for p in ("CUDAExecutionProvider", _CPU) if p in available]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # what it would log as an error it raises, too
        options.add_session_config_entry("session.load_model_format", "ONNX")
        # Idle threads that spin for work would take the cores the rest of the robot needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=wanted)
        except Exception as error:  # the library raises many types, all derived from Exception alone
            raise NetworkError(f"ONNX Runtime cannot open it: {_first_line(error)}") from error
        active = self._session.get_providers()[0]
        if active not in wanted:
            raise NetworkError(f"{wanted[0]} did not come up; list {active} after it to allow that instead")
        self.device = f"ONNX Runtime {onnxruntime.__version__}, {active}"
        self.metadata = self._session.get_modelmeta().custom_metadata_map
        self.input_shape = self._check_signature()

    def _check_signature(self) -> tuple[int, int]:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or inputs[0].name != "image" or inputs[0].type != "tensor(uint8)":
            found = ", ".join(f"{i.name} {i.type}" for i in inputs)
            raise NetworkError(f"its input should be image tensor(uint8), it has {found}")
        shape = inputs[0].shape
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or not all(isinstance(n, int) for n in shape):
            raise NetworkError(f"its input image should be of fixed shape (1, H, W, 3), it is {shape}")
        height, width = int(shape[1]), int(shape[2])
        found_outputs = {o.name: (o.type, list(o.shape)) for o in outputs}
        for name, kind in _OUTPUTS.items():
            if found_outputs.get(name) != (kind, [1, height, width]):
                found = found_outputs.get(name, "nothing of that name")
                raise NetworkError(
                    f"its output {name} should be {kind} of shape (1, {height}, {width}), it has {found}"
                )
        return height, width

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run on one image; see ``Backend.run``.

        Raises:
            NetworkError: the library failed, e.g. for want of device memory.
        """
        try:
            depth, segmentation, confidence = self._session.run(list(_OUTPUTS), {"image": image})
        except Exception as error:  # as above
            raise NetworkError(f"ONNX Runtime failed: {_first_line(error)}") from error
        return depth, segmentation, confidence


def _refuse_external_data(model: bytes) -> None:
    try:
        files = external_files(model)
    except ValueError as error:
        raise NetworkError(f"ONNX Runtime cannot open it: it is damaged or no ONNX file ({error})") from error
    if files:
        raise NetworkError(f"its weights lie in another file, {files[0]!r}: export it with the weights inside")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
