"""Record what a real ``tensorrt`` or ``cuda.bindings`` documents, for the doubles to be held to.

    python record_api.py tensorrt_api.json tensorrt_bindings
    python record_api.py cuda_api.json cuda.bindings.runtime

adds the installed version to the table. The bindings need no GPU to be imported, but the libraries they link to.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

NAMES = {
    "tensorrt_bindings": [
        "Builder", "BuilderFlag", "DataType", "IBuilderConfig", "ICudaEngine", "IExecutionContext", "IHostMemory",
        "ILogger", "INetworkDefinition", "IProgressMonitor", "ITimingCache", "MemoryPoolType",
        "NetworkDefinitionCreationFlag", "OnnxParser", "ParserError", "Runtime", "TensorIOMode", "nptype",
    ],
    "cuda.bindings.runtime": [
        "cudaDeviceProp", "cudaDriverGetVersion", "cudaError_t", "cudaFree", "cudaFreeHost", "cudaGetDeviceCount",
        "cudaGetDeviceProperties", "cudaGetErrorString", "cudaGetLastError", "cudaGraphDestroy", "cudaGraphExecDestroy",
        "cudaGraphInstantiate", "cudaGraphLaunch", "cudaMalloc", "cudaMallocHost", "cudaMemcpyAsync", "cudaMemcpyKind",
        "cudaRuntimeGetVersion", "cudaSetDevice", "cudaStreamBeginCapture", "cudaStreamCaptureMode",
        "cudaStreamCreateWithFlags", "cudaStreamDestroy", "cudaStreamEndCapture", "cudaStreamNonBlocking",
        "cudaStreamSynchronize",
    ],
}  # fmt: skip
"""What is recorded; the doubles refuse everything else."""


def signatures(name: str, documentation: str) -> list[list[str]]:
    """Parameters of each overload that a docstring tells of; a ``=`` after a name says that it may be left out."""
    found = []
    for text in re.findall(rf"(?m)^(?:\d+\. )?{name}\((.*?)\)(?: -> .*)?$", documentation):
        if text == "*args, **kwargs":  # the head of several
            continue
        parameters = []
        for part in re.split(r",\s*(?![^\[(<]*[\])>])", text):
            if (part := part.strip()) and not part.startswith("self"):
                parameter = part.split(":")[0].split("=")[0].split()[-1]
                parameters.append(parameter + "=" * ("=" in part))
        found.append(parameters)
    return found


def members(value: Any) -> list[str]:
    if issubclass(value, enum.Enum):
        return [member.name for member in value]
    return sorted(value.__members__)


def of_class(value: type) -> dict[str, Any]:
    """Methods by name with their signatures, properties with None; a nested enum as in ``of``."""
    table = {}
    for name in dir(value):
        attribute = getattr(value, name)
        if name == "__init__" or not name.startswith("_"):
            table[name] = of(name, attribute)
    return table


def of(name: str, value: Any) -> Any:
    if isinstance(value, type):
        is_enum = issubclass(value, enum.Enum) or hasattr(value, "__members__")
        return {"members": members(value)} if is_enum else of_class(value)
    if inspect.isfunction(value):
        return [list(inspect.signature(value).parameters)]
    return signatures(name, value.__doc__ or "") if callable(value) else None


def main(table: Path, module_name: str) -> None:
    module = importlib.import_module(module_name)
    version = getattr(module, "__version__", None) or importlib.import_module("cuda.bindings").__version__
    known = json.loads(table.read_text()) if table.exists() else {}
    known[version] = {name: of(name, getattr(module, name)) for name in NAMES[module_name]}
    table.write_text(json.dumps(known, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
