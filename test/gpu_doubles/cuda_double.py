"""``cuda.bindings.runtime`` on a ``Gpu`` that records, held to what a version of it documents."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gpu_doubles.documented import DocumentedModule, documented_enum
from gpu_doubles.gpu_double import Gpu

TABLE = json.loads((Path(__file__).parent / "cuda_api.json").read_text())


class _Handle:
    """An opaque handle, as the bindings make of a pointer: a number only when asked."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __int__(self) -> int:
        return self._value


def cuda_double(version: str, gpu: Gpu) -> DocumentedModule:
    """The module, of ``version``."""
    table = TABLE[version]
    errors = documented_enum("cudaError_t", table["cudaError_t"])
    kinds = documented_enum("cudaMemcpyKind", table["cudaMemcpyKind"])

    def answer(*results: Any, error: str = "cudaSuccess") -> tuple[Any, ...]:
        return (errors[gpu.lost or error], *(results or (None,)))

    def alive(function):
        """A call that a lost device answers with its error alone."""

        def call(*args: Any) -> tuple[Any, ...]:
            if gpu.without_driver and version.startswith("12.6"):
                raise RuntimeError("Failed to dlopen libcuda.so.1")
            if gpu.lost:
                return (errors[gpu.lost], None)
            return function(*args)

        return call

    def giving_back(kind: str):
        def call(handle: Any) -> tuple[Any, ...]:
            if gpu.lost:
                for pending in gpu.streams.values():
                    pending.clear()
            gpu.free(kind, int(handle))
            return (errors[gpu.lost or "cudaSuccess"],)

        return call

    def count() -> tuple[Any, ...]:
        if gpu.without_driver:
            return answer(error="cudaErrorInsufficientDriver")
        return answer(gpu.devices) if gpu.devices else answer(error="cudaErrorNoDevice")

    def properties(device: int) -> tuple[Any, ...]:
        known = dict(name=gpu.name + b"\0" * 8, major=8, minor=7, totalGlobalMem=gpu.memory)
        known["multiProcessorCount"] = gpu.multiprocessors
        assert known.keys() <= table["cudaDeviceProp"].keys() and device == 0
        return answer(SimpleNamespace(**known))

    def malloc(size: int) -> tuple[Any, ...]:
        assert not gpu.capturing, "memory is taken during a capture"
        address = gpu.take(size)
        return answer(address) if address else answer(error="cudaErrorMemoryAllocation")

    def create_stream(flags: int) -> tuple[Any, ...]:
        assert flags == 1
        handle = gpu.new_handle()
        gpu.streams[handle] = []
        return answer(_Handle(handle))

    def copy(dst: int, src: int, count: int, kind: Any, stream: Any) -> tuple[Any, ...]:
        to_device = {kinds.cudaMemcpyHostToDevice: True, kinds.cudaMemcpyDeviceToHost: False}[kind]
        assert (dst in gpu.device) == to_device and (src in gpu.pinned) == to_device, "copied the wrong way"
        gpu.put(int(stream), "copy in" if to_device else "copy out", lambda: gpu.write(dst, gpu.read(src, count)))
        return answer()

    def synchronize(stream: Any) -> tuple[Any, ...]:
        gpu.wait(int(stream))
        return answer()

    def begin(stream: Any, mode: Any) -> tuple[Any, ...]:
        assert mode.name == "cudaStreamCaptureModeThreadLocal", "other threads could not take memory meanwhile"
        gpu.capturing[int(stream)] = []
        return answer()

    def end(stream: Any) -> tuple[Any, ...]:
        work = gpu.capturing.pop(int(stream))
        if int(stream) in gpu.spoilt:
            return answer(error="cudaErrorStreamCaptureInvalidated")
        handle = gpu.new_handle()
        gpu.graphs[handle] = work
        return answer(_Handle(handle))

    def instantiate(graph: Any, flags: int) -> tuple[Any, ...]:
        handle = gpu.new_handle()
        gpu.executables[handle] = gpu.graphs[int(graph)]
        return answer(_Handle(handle))

    def launch(executable: Any, stream: Any) -> tuple[Any, ...]:
        for work in gpu.executables[int(executable)]:
            gpu.streams[int(stream)].append(work)
        gpu.record.append("launch")
        return answer()

    working = {
        "cudaGetDeviceCount": count,
        "cudaGetDeviceProperties": properties,
        "cudaSetDevice": lambda device: (errors.cudaSuccess,),
        "cudaDriverGetVersion": lambda: answer(gpu.driver),
        "cudaRuntimeGetVersion": lambda: answer(gpu.runtime),
        "cudaMalloc": malloc,
        "cudaMallocHost": lambda size: answer(gpu.take_pinned(size)),
        "cudaStreamCreateWithFlags": create_stream,
        "cudaMemcpyAsync": copy,
        "cudaStreamSynchronize": synchronize,
        "cudaStreamBeginCapture": begin,
        "cudaStreamEndCapture": end,
        "cudaGraphInstantiate": instantiate,
        "cudaGraphLaunch": launch,
    }
    return DocumentedModule(
        "cuda.bindings.runtime",
        table,
        {
            **{name: alive(function) for name, function in working.items()},
            "cudaFree": giving_back("device"),
            "cudaFreeHost": giving_back("pinned"),
            "cudaStreamDestroy": giving_back("streams"),
            "cudaGraphDestroy": giving_back("graphs"),
            "cudaGraphExecDestroy": giving_back("executables"),
            # Of this library's own calls: TensorRT makes its own with another.
            "cudaGetLastError": lambda: (errors.cudaSuccess,),
            "cudaGetErrorString": lambda error: (errors.cudaSuccess, f"text of {error.name}".encode()),
            "cudaError_t": errors,
            "cudaMemcpyKind": kinds,
            "cudaStreamNonBlocking": 1,
        },
    )
