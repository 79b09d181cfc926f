"""As much of CUDA's runtime as running an engine takes: errors as exceptions, buffers, one stream, one graph."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtl_perception.backends import DeviceLostError, NetworkError

try:
    from cuda.bindings import runtime
except ImportError as error:
    raise NetworkError(
        f"CUDA's Python bindings are not there ({error}): pip install cuda-python, 12.6.2 or newer and no newer than "
        "the CUDA that is there (on JetPack 6: cuda-python==12.6.2.post1)"
    ) from error

_LOST = frozenset(
    f"cudaError{name}"
    for name in (
        "DevicesUnavailable", "NoDevice", "InvalidDevice", "DeviceUninitialized", "ContextIsDestroyed",
        "ECCUncorrectable", "NvlinkUncorrectable", "Contained", "HardwareStackError", "LaunchFailure", "LaunchTimeout",
        "IllegalAddress", "IllegalInstruction", "MisalignedAddress", "InvalidAddressSpace", "InvalidPc", "Assert",
        "ExternalDevice", "SystemNotReady", "MpsClientTerminated", "MpsRpcFailure", "Unknown",
    )
)  # fmt: skip
"""After these the process gets nothing out of the device any more, whatever it calls."""
_OUT_OF_MEMORY = "cudaErrorMemoryAllocation"
_TOO_OLD = "cudaErrorInsufficientDriver"
_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Device:
    """The GPU that is used: name, capability, multiprocessors at work, versions of driver and runtime, memory in B."""

    name: str
    capability: str
    multiprocessors: int
    driver: str
    runtime: str
    memory: int


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of the runtime returns, without the error code.

    Raises:
        DeviceLostError: the device is gone, or does nothing more for this process.
        NetworkError: it failed otherwise; one line.
    """
    try:
        code, *results = function(*arguments)
    except RuntimeError as error:  # of bindings before 12.8, where there is no driver at all
        raise NetworkError(f"CUDA failed in {function.__name__}: {error}") from error
    if code != runtime.cudaError_t.cudaSuccess:
        name, text = code.name, runtime.cudaGetErrorString(code)[1].decode()
        if name == _OUT_OF_MEMORY:
            raise NetworkError(f"the GPU is out of memory ({function.__name__})")
        if name == _TOO_OLD:
            text += (
                "; where there is a driver, cuda-python is too new for it: install one no newer than the driver's CUDA"
            )
        kind = DeviceLostError if name in _LOST else NetworkError
        raise kind(f"CUDA failed in {function.__name__}: {text} ({name})")
    return results[0] if len(results) == 1 else tuple(results)


def device() -> Device:
    """The first GPU; ``CUDA_VISIBLE_DEVICES`` says which that is.

    Raises:
        NetworkError: there is none, or no driver for it.
    """
    try:
        call(runtime.cudaGetDeviceCount)
        properties = call(runtime.cudaGetDeviceProperties, 0)
    except NetworkError as error:
        raise NetworkError(f"no NVIDIA GPU can be used: {error}") from error
    return Device(
        name=properties.name.split(b"\0")[0].decode(),
        capability=f"{properties.major}.{properties.minor}",
        multiprocessors=properties.multiProcessorCount,
        driver=_driver_version(),
        runtime=_dotted(call(runtime.cudaRuntimeGetVersion)),
        memory=properties.totalGlobalMem,
    )


def _driver_version() -> str:
    """The newest CUDA the driver knows and, where the kernel tells, its own version."""
    known = f"CUDA {_dotted(call(runtime.cudaDriverGetVersion))}"
    try:
        own = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", _DRIVER.read_text())
    except OSError:
        return known
    return f"{own[0]}, {known}" if own else known


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


class Buffer:
    """Memory on the device and, of the same size, memory of this process that the device can copy by itself.

    Args:
        shape, dtype: of the array that both hold.
        release: where what gives both back is put.

    Attributes:
        array: the host's.
        address: the device's.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, release: ExitStack) -> None:
        self._size = int(np.prod(shape)) * dtype.itemsize
        self.address: int = int(call(runtime.cudaMalloc, self._size))
        release.callback(runtime.cudaFree, self.address)
        self._pinned: int = int(call(runtime.cudaMallocHost, self._size))
        release.callback(runtime.cudaFreeHost, self._pinned)
        memory = (ctypes.c_byte * self._size).from_address(self._pinned)
        self.array: np.ndarray = np.frombuffer(memory, dtype).reshape(shape)

    def to_device(self, stream: Any) -> None:
        """Copy from host to device, when ``stream`` comes to it."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        call(runtime.cudaMemcpyAsync, self.address, self._pinned, self._size, kind, stream)

    def to_host(self, stream: Any) -> None:
        """Copy from device to host, when ``stream`` comes to it."""
        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        call(runtime.cudaMemcpyAsync, self._pinned, self.address, self._size, kind, stream)


class Stream:
    """A queue of work on the device, and that work as a graph that is launched at once.

    Args:
        release: where what gives it back is put.

    Attributes:
        capturing: whether what is put in is recorded, not done.
    """

    def __init__(self, release: ExitStack) -> None:
        self._release = release
        self.handle = call(runtime.cudaStreamCreateWithFlags, runtime.cudaStreamNonBlocking)
        release.callback(runtime.cudaStreamDestroy, self.handle)
        self._graph: Any = None
        self.capturing = False

    def wait(self) -> None:
        """Until all that was put in is done."""
        call(runtime.cudaStreamSynchronize, self.handle)

    def capture(self, work: Callable[[], None]) -> None:
        """Record what ``work`` puts in, for ``launch``.

        Raises:
            NetworkError: it cannot be recorded; the stream is as before.
        """
        # Other threads may go on allocating meanwhile, as one that opens the next network does.
        call(
            runtime.cudaStreamBeginCapture, self.handle, runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        )
        self.capturing = True
        try:
            work()
        except NetworkError:
            runtime.cudaStreamEndCapture(self.handle)  # which fails, too: the capture is invalid
            runtime.cudaGetLastError()
            raise
        finally:
            self.capturing = False
        graph = call(runtime.cudaStreamEndCapture, self.handle)
        try:
            self._graph = call(runtime.cudaGraphInstantiate, graph, 0)
        finally:
            runtime.cudaGraphDestroy(graph)
        self._release.callback(runtime.cudaGraphExecDestroy, self._graph)

    def launch(self) -> None:
        """Put in what was captured."""
        call(runtime.cudaGraphLaunch, self._graph, self.handle)


def use_device() -> None:
    """Have this thread work on the device; a thread that has not said so may be on another."""
    call(runtime.cudaSetDevice, 0)
