"""Run an engine with TensorRT: memory taken once, one stream, and all of a frame's work launched as one graph."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from mtl_perception.backends import DeviceLostError, NetworkError
from mtl_perception.backends.cuda import Buffer, Stream, device, use_device
from mtl_perception.backends.signature import INPUT, OUTPUTS, check_signature
from mtl_perception.backends.tensorrt_log import LOG, created, out_of_memory, tensorrt, why

_LOGGER = logging.getLogger(__name__)


class EngineUnfitError(NetworkError):
    """TensorRT does not take an engine, whatever its file said; another has to be built."""


class TensorRtBackend:
    """An engine on the GPU, ready to run from any thread; threads take turns.

    Args:
        engine: as TensorRT serialised it, on this kind of GPU and in this version. It runs what is in there: bytes of
            unknown origin are not to come here.
        metadata: of the network file that it was built of.
        arithmetic: what it computes in, for people to read.

    Attributes:
        close: gives back all that it holds of the device; so does letting go of it, and the end of the process.

    Raises:
        NetworkError: TensorRT does not take it, its inputs and outputs are not those of a network file, or the GPU's
            memory does not do.
    """

    def __init__(self, engine: bytes, metadata: Mapping[str, str], arithmetic: str) -> None:
        self.metadata = metadata
        self._execution = _Execution()
        self.close = weakref.finalize(self, self._execution.close)
        try:
            self._execution.open(engine)
        except BaseException:
            self.close()
            raise
        self.input_shape = self._execution.input_shape
        self.device = f"TensorRT {tensorrt.__version__} {arithmetic} on {device().name}"
        if not self._execution.captured:
            self.device += ", without a CUDA graph"

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run on one image; see ``Backend.run``.

        Raises:
            DeviceLostError: the GPU is gone, or does nothing more for this process.
            NetworkError: it failed otherwise.
        """
        if image.shape != (1, *self.input_shape, 3) or image.dtype != np.uint8:
            raise NetworkError(
                f"the image should be {(1, *self.input_shape, 3)} uint8, it is {image.shape} {image.dtype}"
            )
        return self._execution.run(image)


class _Execution:
    """What is on the device; apart from the backend, so that it can be given back when that is gone."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._resources = ExitStack()
        self._context: Any = None
        self.captured = False

    def open(self, engine: bytes) -> None:
        use_device()
        self._stream = Stream(self._resources)
        with LOG.errors() as errors:
            self._runtime = created(tensorrt.Runtime, errors)
            self._engine = self._runtime.deserialize_cuda_engine(engine)
            if self._engine is None:
                kind = NetworkError if out_of_memory(errors) else EngineUnfitError
                raise kind(f"TensorRT does not take the engine: {why(errors)}")
            tensors = _tensors(self._engine)
            self.input_shape = check_signature(
                {n: (kind.name, shape) for n, (kind, shape, is_input) in tensors.items() if is_input},
                {n: (kind.name, shape) for n, (kind, shape, is_input) in tensors.items() if not is_input},
            )
            self._buffers = {n: Buffer(shape, kind, self._resources) for n, (kind, shape, _) in tensors.items()}
            self._context = self._engine.create_execution_context()
            if self._context is None:
                raise NetworkError(f"TensorRT cannot run the engine: {why(errors)}")
            self._resources.callback(self._let_go)
            for name, buffer in self._buffers.items():
                if not self._context.set_tensor_address(name, buffer.address):
                    raise NetworkError(f"TensorRT does not take the memory of {name}: {why(errors)}")
        self._enqueue()  # once as it is: TensorRT puts off till then what cannot be captured
        self._stream.wait()
        try:
            self._stream.capture(self._enqueue)
            self.captured = True
        except DeviceLostError:
            raise
        except NetworkError as error:
            _LOGGER.warning("each kernel is launched by itself, as they cannot be captured as a graph: %s", str(error))

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        with self._turn:
            if self._context is None:
                raise NetworkError("it is closed")
            use_device()
            self._buffers[INPUT].array[:] = image
            if self.captured:
                self._stream.launch()
            else:
                self._enqueue()
            self._stream.wait()
            depth, segmentation, confidence = (self._buffers[name].array.copy() for name in OUTPUTS)
            return depth, segmentation, confidence

    def close(self) -> None:
        with self._turn:
            self._resources.close()

    def _enqueue(self) -> None:
        """Put a frame's work into the stream."""
        self._buffers[INPUT].to_device(self._stream.handle)
        with LOG.errors() as errors:
            if not self._context.execute_async_v3(int(self._stream.handle)):
                if not self._stream.capturing:
                    self._stream.wait()  # tells whether the device is lost; TensorRT's CUDA keeps its errors to itself
                raise NetworkError(f"TensorRT failed: {why(errors)}")
        for name in OUTPUTS:
            self._buffers[name].to_host(self._stream.handle)

    def _let_go(self) -> None:
        """The engine's own, each before what it was made of."""
        self._context = self._engine = self._runtime = None


def _tensors(engine: Any) -> dict[str, tuple[np.dtype, tuple[int, ...], bool]]:
    """Type, shape and whether it goes in, of each input and output of an engine."""
    tensors = {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        kind = np.dtype(tensorrt.nptype(engine.get_tensor_dtype(name)))
        is_input = engine.get_tensor_mode(name) == tensorrt.TensorIOMode.INPUT
        tensors[name] = (kind, tuple(engine.get_tensor_shape(name)), is_input)
    return tensors
