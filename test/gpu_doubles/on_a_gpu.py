"""The backend as where TensorRT and a GPU are: its modules imported anew over the doubles."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from gpu_doubles.cuda_double import cuda_double
from gpu_doubles.gpu_double import Gpu
from gpu_doubles.tensorrt_double import tensorrt_double
from mtl_perception import backends

VERSIONS = [("10.3.0", "12.6.2.post1"), ("10.13.3.9", "12.9.10"), ("11.4.0.106", "13.5.0")]
"""Of TensorRT and CUDA's bindings: JetPack 6, a late 10, and 11 on a PC."""
_OURS = ("cuda", "tensorrt", "tensorrt_build", "tensorrt_log", "tensorrt_opening")


@contextmanager
def modules(replaced: dict[str, ModuleType | None]) -> Iterator[None]:
    """``replaced`` in place of modules (None: not to be found), and ours that use them imported anew."""
    ours = [f"mtl_perception.backends.{name}" for name in _OURS]
    before = {name: sys.modules.get(name) for name in [*ours, *replaced]}
    for name in ours:
        sys.modules.pop(name, None)
        vars(backends).pop(name.rpartition(".")[2], None)  # where `from` looks first
    sys.modules.update(replaced)
    try:
        yield
    finally:
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module
            if name in ours:
                vars(backends).pop(name.rpartition(".")[2], None)


@contextmanager
def on_a_gpu(gpu: Gpu, version: str = VERSIONS[0][0], cuda: str | None = None) -> Iterator[None]:
    """The doubles of TensorRT ``version`` and its CUDA."""
    runtime = cuda_double(cuda or dict(VERSIONS)[version], gpu)
    package, bindings = ModuleType("cuda"), ModuleType("cuda.bindings")
    package.bindings, bindings.runtime = bindings, runtime
    found = {"cuda": package, "cuda.bindings": bindings, "cuda.bindings.runtime": runtime}
    with modules({**found, "tensorrt": tensorrt_double(version, gpu)}):
        yield
