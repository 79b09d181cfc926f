"""``tensorrt`` on a ``Gpu`` that records: it takes and gives what the documentation says, and runs by ONNX Runtime.

An "engine" is the ONNX graph that was parsed, so that what comes out is what the graph says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto

from gpu_doubles.documented import DocumentedModule, made
from gpu_doubles.gpu_double import Gpu

TABLE = json.loads((Path(__file__).parent / "tensorrt_api.json").read_text())
UNSUPPORTED = ("NonMaxSuppression", "NoSuchOperator")
_DTYPES = {"uint8": "UINT8", "float32": "FLOAT", "float16": "HALF", "int64": "INT64", "int32": "INT32", "bool": "BOOL"}


def tensorrt_double(version: str, gpu: Gpu) -> DocumentedModule:
    """The module, of ``version``."""
    table = TABLE[version]

    class ILogger:
        def __init__(self) -> None:
            self._ready = True

    class IProgressMonitor(ILogger):
        pass

    def use(logger: Any) -> Any:
        assert isinstance(logger, module.ILogger) and logger._ready, "its __init__ was not called"
        return logger

    def say(logger: Any, severity: str, text: str) -> None:
        logger.log(getattr(module.ILogger.Severity, severity), text)

    def start(logger: Any) -> Any:
        if gpu.too_old:
            say(use(logger), "ERROR", "CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        return use(logger)

    class Builder:
        def __init__(self, logger: Any) -> None:
            self._logger = start(logger)

        def create_network(self, flags: int = 0) -> Any:
            wanted = 1 << int(module.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
            assert flags == wanted, "weakly typed: gone in TensorRT 11"
            return made(module.INetworkDefinition)

        def create_builder_config(self) -> Any:
            return made(module.IBuilderConfig, self._logger)

        def build_serialized_network(self, network: Any, config: Any, *_: Any) -> Any:
            assert network._graph and config._cache is not None
            say(self._logger, "VERBOSE", "a lot of it")
            say(self._logger, "WARNING", "an odd thing")
            if not _progress(config.progress_monitor):
                say(self._logger, "ERROR", "the build was cancelled")
                return None
            if gpu.memory < config._pools.get("WORKSPACE", gpu.memory) or gpu.memory < 1 << 20:
                say(self._logger, "ERROR", "[defaultAllocator.cpp] Error Code 1: Cuda Runtime (out of memory)")
                return None
            gpu.record.append("build")
            config._cache._known = b"timings of " + gpu.name
            head = {"version": version, "gpu": gpu.name.decode(), "tf32": "TF32" in config._flags}
            return made(module.IHostMemory, json.dumps(head).encode() + b"\n" + network._graph)

    class INetworkDefinition:
        def __init__(self) -> None:
            self._graph = b""

    class OnnxParser:
        def __init__(self, network: Any, logger: Any) -> None:
            use(logger)
            self._network, self._errors = network, []

        def parse(self, model: bytes, path: str | None = None) -> bool:
            self._errors = parser_errors(onnx.load_model_from_string(model))
            self._network._graph = b"" if self._errors else bytes(model)
            return not self._errors

        @property
        def num_errors(self) -> int:
            return len(self._errors)

        def get_error(self, index: int) -> Any:
            return made(module.ParserError, *self._errors[index])

    class ParserError:
        def __init__(self, text: str, node: onnx.NodeProto) -> None:
            self._text, self._node = text, node

        def desc(self) -> str:
            return self._text

        def node_name(self) -> str:
            return self._node.name

        def node_operator(self) -> str:
            return self._node.op_type

    class IBuilderConfig:
        def __init__(self, logger: Any) -> None:
            self._flags, self._pools, self._cache, self._logger = {"TF32"}, {}, None, logger
            self.progress_monitor = None

        def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
            self._pools[pool.name] = pool_size

        def clear_flag(self, flag: Any) -> None:
            self._flags.discard(flag.name)

        def create_timing_cache(self, serialized_timing_cache: bytes) -> Any:
            if serialized_timing_cache and not serialized_timing_cache.startswith(b"timings of "):
                say(self._logger, "ERROR", "it is no timing cache")
                return None
            return made(module.ITimingCache, bytes(serialized_timing_cache))

        def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
            assert isinstance(cache, module.ITimingCache) and not ignore_mismatch
            if cache._known and cache._known != b"timings of " + gpu.name:
                return False
            gpu.record.append("timings" if cache._known else "no timings")
            self._cache = cache
            return True

    class ITimingCache:
        def __init__(self, known: bytes) -> None:
            self._known = known

        def serialize(self) -> Any:
            return made(module.IHostMemory, self._known)

    class IHostMemory:
        def __init__(self, data: bytes) -> None:
            self._data = data

        def __bytes__(self) -> bytes:
            return self._data

    class Runtime:
        def __init__(self, logger: Any) -> None:
            self._logger = start(logger)

        def deserialize_cuda_engine(self, serialized_engine: bytes) -> Any:
            gpu.record.append("deserialize")
            head, _, graph = bytes(serialized_engine).partition(b"\n")
            facts = json.loads(head)
            if facts["version"] != version:
                say(self._logger, "ERROR", "Error Code 1: Serialization (the engine is of another version)")
                return None
            return made(module.ICudaEngine, self._logger, graph)

        def __del__(self) -> None:
            gpu.record.append("del runtime")

    class ICudaEngine:
        def __init__(self, logger: Any, graph: bytes) -> None:
            self._logger, self._session = logger, onnxruntime.InferenceSession(graph, _one_thread())
            values = onnx.load_model_from_string(graph).graph
            self._tensors = [*values.input, *values.output]
            self._inputs = {value.name for value in values.input}

        @property
        def num_io_tensors(self) -> int:
            return len(self._tensors)

        def get_tensor_name(self, index: int) -> str:
            return self._tensors[index].name

        def _tensor(self, name: str) -> Any:
            return next(value.type.tensor_type for value in self._tensors if value.name == name)

        def get_tensor_dtype(self, name: str) -> Any:
            kind = onnx.helper.tensor_dtype_to_np_dtype(self._tensor(name).elem_type).name
            return module.DataType[_DTYPES[kind]]

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            return tuple(d.dim_value for d in self._tensor(name).shape.dim)

        def get_tensor_mode(self, name: str) -> Any:
            return module.TensorIOMode["INPUT" if name in self._inputs else "OUTPUT"]

        def create_execution_context(self, *_: Any) -> Any:
            if sum(map(len, gpu.device.values())) + (1 << 20) > gpu.memory:
                say(self._logger, "ERROR", "Requested amount of GPU memory (1048576 bytes) could not be allocated.")
                return None
            return made(module.IExecutionContext, self)

        def __del__(self) -> None:
            gpu.record.append("del engine")

    class IExecutionContext:
        def __init__(self, engine: Any) -> None:
            self._engine, self._addresses, self._ran = engine, {}, False

        def set_tensor_address(self, name: str, memory: int) -> bool:
            assert memory in gpu.device, "the address is not of the device"
            self._addresses[name] = memory
            return True

        def execute_async_v3(self, stream_handle: int) -> bool:
            assert type(stream_handle) is int
            assert len(self._addresses) == len(self._engine._tensors), "enqueued before all addresses are set"
            if gpu.lost:
                say(self._engine._logger, "ERROR", f"Error Code 1: Cuda Runtime ({gpu.lost})")
                return False
            if stream_handle in gpu.capturing:
                assert self._ran, "captured before it ran once"
            self._ran = True
            return gpu.put(stream_handle, "enqueue", self._run)

        def _run(self) -> None:
            inputs = {}
            for name in self._engine._inputs:
                shape, kind = self._engine.get_tensor_shape(name), _kind(self._engine.get_tensor_dtype(name))
                data = gpu.read(self._addresses[name], int(np.prod(shape)) * kind.itemsize)
                inputs[name] = np.frombuffer(data, kind).reshape(shape)
            names = [value.name for value in self._engine._tensors if value.name not in self._engine._inputs]
            for name, value in zip(names, self._engine._session.run(names, inputs), strict=True):
                gpu.write(self._addresses[name], value.tobytes())

        def __del__(self) -> None:
            gpu.record.append("del context")

    classes = (
        Builder, ILogger, IProgressMonitor, INetworkDefinition, OnnxParser, ParserError, IBuilderConfig, ITimingCache,
        IHostMemory, Runtime, ICudaEngine, IExecutionContext,
    )  # fmt: skip
    module = DocumentedModule("tensorrt", table, {**{c.__name__: c for c in classes}, "nptype": _kind})
    module.ILogger.Severity = DocumentedModule("", {"S": table["ILogger"]["Severity"]}, {}).S
    module.__version__ = version
    return module


def _kind(dtype: Any) -> np.dtype:
    return np.dtype(next(name for name, ours in _DTYPES.items() if ours == dtype.name))


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return options


def _progress(monitor: Any) -> bool:
    """Phases within phases, the inner one not to its end; whether to go on."""
    monitor.phase_start("Building Engine", None, 2)
    monitor.phase_start("Tactic Timing", "Building Engine", 5)
    go_on = all(monitor.step_complete("Tactic Timing", step) for step in range(3))
    monitor.phase_finish("Tactic Timing")
    go_on = go_on and monitor.step_complete("Building Engine", 0)
    monitor.phase_finish("Building Engine")
    return go_on


def parser_errors(model: onnx.ModelProto) -> list[tuple[str, onnx.NodeProto]]:
    """Operators it lacks, and bytes elsewhere than at the edges of the network."""
    for node in model.graph.node:
        if node.op_type in UNSUPPORTED:
            return [(f"No importer registered for op: {node.op_type}.\nAttempting to import as plugin.", node)]
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    kinds = {v.name: v.type.tensor_type.elem_type for v in [*inferred.value_info, *inferred.output, *inferred.input]}
    outputs = {value.name for value in inferred.output}
    errors = []
    for node in inferred.node:
        if any(kinds[name] == TensorProto.UINT8 and name not in outputs for name in node.output if name):
            errors.append(("TensorRT does not support UINT8 types for intermediate tensors!", node))
        elif any(kinds.get(name) == TensorProto.UINT8 for name in node.input) and node.op_type != "Cast":
            errors.append(("UINT8 is converted before anything else", node))
        elif any(kinds[name] == TensorProto.UINT8 for name in node.output if name) and kinds.get(node.input[0]) not in (
            TensorProto.FLOAT,
            TensorProto.FLOAT16,
        ):
            errors.append(("UINT8 comes of FLOAT or HALF only", node))
    return errors
