"""ONNX Runtime on a GPU that goes, played by a session on the CPU that says it is on CUDA, and fails as CUDA does."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from mtl_perception.backends import DeviceLostError, NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network

CUDA, CPU, TENSORRT = "CUDAExecutionProvider", "CPUExecutionProvider", "TensorrtExecutionProvider"
LOST = "[ONNXRuntimeError] : 1 : FAIL : CUDA failure 719: unspecified launch failure ; GPU=0 ; hostname=robot"
FULL = "[ONNXRuntimeError] : 1 : FAIL : CUDA failure 2: out of memory ; GPU=0 ; hostname=robot"
NO_CPU = "session.disable_cpu_ep_fallback"
NO_CODE = "[ONNXRuntimeError] : 1 : FAIL : CUDA failure 209: no kernel image is available ; GPU=0 ; hostname=robot"
FRAME = np.zeros((48, 64, 3), np.uint8)
BOTH = Runtime(backends=("onnxruntime",))


@pytest.fixture
def gpu(monkeypatch):
    """A build of ONNX Runtime for GPUs; what its sessions on CUDA fail with can be set."""
    real = onnxruntime.InferenceSession

    gpu = SimpleNamespace(failure="", lacks="", fallback=[], providers=[], tf32=[])

    class Session:
        def __init__(self, model, options, providers, enable_fallback):
            # A provider stands by its name, or with its options.
            self.first = providers[0] if isinstance(providers[0], str) else providers[0][0]
            self.on_cuda = self.first != CPU
            gpu.providers.append(providers)
            gpu.tf32.append(os.environ.get("NVIDIA_TF32_OVERRIDE"))
            gpu.fallback.append(enable_fallback)
            if gpu.lacks and CPU not in providers and options.get_session_config_entry(NO_CPU) == "1":
                raise RuntimeError(gpu.lacks)
            self.session = real(model, providers=[CPU])

        def get_providers(self):
            return [self.first, CPU] if self.on_cuda else [CPU]

        def run(self, *arguments):
            if self.on_cuda and gpu.failure:
                raise RuntimeError(gpu.failure)
            return self.session.run(*arguments)

        def __getattr__(self, name):
            return getattr(self.session, name)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    return gpu


def test_the_cpu_takes_over_from_a_gpu_that_disappears_and_says_so(network, gpu):
    opened = Network(network, BOTH)
    before = opened.predict(FRAME)
    assert CUDA in opened.device and not opened.passed_over
    # Of full precision, as TensorRT's and the processor's are.
    assert gpu.providers[-1][0] == (CUDA, {"use_tf32": "0"})
    gpu.failure = LOST
    after = opened.predict(FRAME)
    assert CPU in opened.device and np.array_equal(before.segmentation, after.segmentation)
    (line,) = opened.passed_over
    assert CUDA in line and "CUDA failure 719: unspecified launch failure" in line
    # The library's own way of falling back, which asks nobody, is off.
    assert {*gpu.fallback} == {0}


@pytest.mark.parametrize("failure", [NO_CODE, LOST, FULL])
@pytest.mark.parametrize("runtime", [Runtime(), BOTH], ids=["auto", "onnxruntime"])
def test_a_gpu_that_opens_a_network_and_does_not_run_it_is_passed_over(network, gpu, failure, runtime):
    gpu.failure = failure
    opened = Network(network, runtime)
    opened.predict(FRAME)
    assert "CPU" in opened.device
    if runtime is BOTH:
        (line,) = opened.passed_over
        assert line.startswith(f"onnxruntime: {CUDA} came up and does not run it: ") and "CUDA failure" in line


def test_it_is_an_error_where_the_cpu_was_not_allowed(network, gpu):
    opened = Network(network, Runtime(backends=("onnxruntime",), providers=(CUDA,)))
    gpu.failure = LOST
    for _ in range(2):
        with pytest.raises(DeviceLostError, match="CUDA failure 719"):
            opened.predict(FRAME)


def test_a_provider_named_alone_runs_all_or_is_refused(network):
    """Azure's is in every build, and runs nothing here: the library would run all on the CPU, and say nothing."""
    other = "AzureExecutionProvider"
    if other not in onnxruntime.get_available_providers():
        pytest.skip(f"this ONNX Runtime has no {other}")
    with pytest.raises(NetworkError, match=f"{other} did not come up, or cannot run all of it: list {CPU} too"):
        Network(network, Runtime(backends=("onnxruntime",), providers=(other,)))


def test_auto_takes_a_gpu_that_leaves_a_part_to_the_cpu(network, gpu):
    gpu.lacks = "This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has"
    assert CUDA in Network(network, Runtime()).device


def test_the_provider_of_tensorrt_is_of_full_precision_and_says_that_it_builds(network, gpu, monkeypatch, caplog):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [TENSORRT, CUDA, CPU])
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "what was before")
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE")
    opened = Network(network, Runtime(backends=("onnxruntime",), providers=(TENSORRT, CUDA, CPU)))
    assert TENSORRT in opened.device and gpu.tf32 == ["0"]
    (message,) = caplog.messages
    assert f"{TENSORRT} builds an engine, which takes minutes, at every opening" in message


def test_it_knows_as_many_losses_by_code_as_there_are_by_name(orin):
    """The bindings that were recorded tell names alone; who adds one has to add its code."""
    from mtl_perception.backends import cuda, onnxruntime

    assert len(onnxruntime._LOST) == len(cuda._LOST)


def test_want_of_memory_is_no_loss_of_the_gpu(network, gpu):
    opened = Network(network, BOTH)
    gpu.failure = FULL
    with pytest.raises(NetworkError, match="CUDA failure 2: out of memory") as raised:
        opened.predict(FRAME)
    assert not isinstance(raised.value, DeviceLostError)
    gpu.failure = ""
    opened.predict(FRAME)
    assert CUDA in opened.device
