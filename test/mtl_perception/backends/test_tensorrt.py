"""TensorRT without a GPU: every call held to what three versions document, the answers those of the network itself."""

from __future__ import annotations

import gc
import importlib
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import pytest
from convolution_file import write_convolutions
from gpu_doubles.on_a_gpu import modules
from gpu_doubles.opened import ALONE, BOTH, assert_right, random_rgb, refused
from network_file import write_depth_network, write_network

from mtl_perception.backends import DeviceLostError, NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network

# Running


def test_answers_and_the_order_of_calls(gpu, network):
    opened = Network(network, ALONE)
    assert opened.device == f"TensorRT {gpu.version} fp32 on Orin" and not opened.passed_over
    warm = len(gpu.record)
    for seed in range(3):
        assert_right(opened, seed)
    assert gpu.record[warm:] == ["launch", "wait"] * 3  # one launch a frame, nothing taken, nothing copied apart
    del opened
    gc.collect()
    assert gpu.leftovers() == []
    closing = gpu.record[warm + 6 :]
    assert closing[:4] == ["free executables", "del context", "del engine", "del runtime"]
    assert closing[-1] == "free streams"


def test_half_precision_runs(gpu, tmp_path):
    path = write_convolutions(tmp_path / "convolutions.onnx")
    rgb = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    half = Network(path, Runtime(backends=("tensorrt",), precision="fp16"))
    assert "fp16" in half.device
    exact = Network(path, Runtime(backends=("onnxruntime",), threads=1)).predict(rgb)
    np.testing.assert_allclose(half.predict(rgb).depth, exact.depth, rtol=0.02)
    assert not np.array_equal(half.predict(rgb).depth, exact.depth)


def test_the_arrays_are_the_callers_to_change(orin, network):
    opened = Network(network, ALONE)
    first = opened.predict(random_rgb(0))
    kept = first.depth.copy()
    opened.predict(random_rgb(1))
    np.testing.assert_array_equal(first.depth, kept)
    first.depth[:] = 0
    assert_right(opened, 1)


def test_without_a_graph_each_kernel_is_launched_and_that_is_said(gpu, network, caplog):
    gpu.captures = False
    opened = Network(network, ALONE)
    assert opened.device.endswith("without a CUDA graph")
    assert "cannot be captured as a graph" in caplog.text and len(caplog.messages) == 2  # and that it was built
    warm = len(gpu.record)
    assert_right(opened)
    assert gpu.record[warm:] == ["copy in", "enqueue", "copy out", "copy out", "copy out", "wait"]
    del opened
    gc.collect()
    assert gpu.leftovers() == []


def test_it_runs_in_another_thread_than_it_was_opened_in(orin, network):
    opened = Network(network, ALONE)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(assert_right, opened).result()
    assert len(orin.threads) == 2


def test_threads_take_turns(orin, network):
    opened = Network(network, ALONE)
    frames = [random_rgb(seed) for seed in range(12)]
    with ThreadPoolExecutor(4) as pool:
        for rgb, prediction in zip(frames, pool.map(opened.predict, frames), strict=True):
            np.testing.assert_array_equal(prediction.confidence, rgb[..., 2])


def test_a_closed_one_and_another_shape_are_refused(orin, network):
    backend = Network(network, ALONE)._backend
    for shape, kind in (((1, 1, 1, 3), np.uint8), ((1, 48, 64, 3), np.float32)):
        with pytest.raises(NetworkError, match=r"the image should be \(1, 48, 64, 3\) uint8"):
            backend.run(np.zeros(shape, kind))
    backend.close()
    assert orin.leftovers() == []
    with pytest.raises(NetworkError, match="it is closed"):
        backend.run(np.zeros((1, 48, 64, 3), np.uint8))


# Where it is not there


def test_without_a_gpu_the_next_is_taken_and_the_reason_told(orin, network):
    orin.devices = 0
    opened = Network(network, BOTH)
    assert "ONNX Runtime" in opened.device
    assert opened.passed_over[0].startswith("tensorrt: no NVIDIA GPU can be used: CUDA failed in cudaGetDeviceCount")
    assert "no NVIDIA GPU can be used" in refused(network)
    assert orin.leftovers() == []


def test_without_a_driver_the_next_is_taken_whichever_way_the_bindings_say_it(gpu, network):
    gpu.without_driver = True
    opened = Network(network, BOTH)
    assert "ONNX Runtime" in opened.device
    assert re.search(
        "no NVIDIA GPU can be used: .*(libcuda|cuda-python is too new for it.*cudaErrorInsufficientDriver)",
        opened.passed_over[0],
    )


@pytest.mark.parametrize(
    ("missing", "advice"),
    [
        ({"tensorrt": None}, "TensorRT is not there .*: on a Jetson apt install python3-libnvinfer, elsewhere pip"),
        ({"tensorrt": ModuleType("tensorrt")}, "TensorRT is not there"),  # as type stubs alone leave it
        ({"tensorrt": None, "cuda": None, "cuda.bindings": None}, "tensorrt: TensorRT is not there"),
        ({"cuda.bindings": None}, "CUDA's Python bindings are not there .*: pip install cuda-python"),
        ({"mtl_perception.backends.tensorrt_graph": None, "onnx": None}, "building an engine needs the onnx package"),
    ],
)
def test_what_is_not_installed_is_named(orin, network, missing, advice):
    with modules(missing), pytest.raises(NetworkError, match=advice):
        if missing.pop("mtl_perception.backends.tensorrt_graph", ...) is None:
            del sys.modules["mtl_perception.backends.tensorrt_graph"]
        Network(network, ALONE)


def test_an_engine_that_is_built_runs_without_the_onnx_package(orin, network):
    Network(network, ALONE)
    with modules({"onnx": None}):
        assert_right(Network(network, ALONE))


def test_the_real_bindings_say_that_there_is_no_gpu():
    runtime = pytest.importorskip("cuda.bindings.runtime")
    if runtime.cudaGetDeviceCount()[0] == runtime.cudaError_t.cudaSuccess:
        pytest.skip("there is a GPU")
    with modules({}):
        cuda = importlib.import_module("mtl_perception.backends.cuda")
        with pytest.raises(
            NetworkError, match=r"no NVIDIA GPU can be used: CUDA failed in cudaGetDeviceCount: .*\(cuda"
        ):
            cuda.device()


def test_a_tensorrt_that_cannot_start_says_why(gpu, network):
    Network(network, ALONE)
    gpu.too_old = True
    assert "TensorRT cannot start: CUDA initialization failure with error: 35" in refused(network)
    assert gpu.leftovers() == []
    half = Runtime(backends=("tensorrt",), precision="fp16")  # which is not built yet
    assert "TensorRT cannot start: CUDA initialization failure" in refused(network, half)


def test_named_providers_are_onnx_runtimes_but_for_who_asks_for_tensorrt(orin, network):
    providers = ("CPUExecutionProvider",)
    assert "ONNX Runtime" in Network(network, Runtime(providers=providers)).device
    assert "TensorRT" in Network(network, Runtime(backends=("tensorrt",), providers=providers)).device


# Faults


@pytest.mark.parametrize("share", [0, 0.5, 1 - 1e-4])
def test_out_of_memory_at_opening_is_one_line_and_nothing_is_left(orin, network, share):
    Network(network, ALONE)  # builds
    gc.collect()
    needed = 48 * 64 * (3 + 4 + 1 + 1)
    orin.memory = int(needed * share) if share < 0.9 else needed + (1 << 19)
    text = refused(network)
    assert "the GPU is out of memory" in text
    gc.collect()
    assert orin.leftovers() == []
    opened = Network(network, BOTH)
    assert "ONNX Runtime" in opened.device and "out of memory" in opened.passed_over[0]


def test_out_of_memory_at_building_is_one_line(orin, network):
    orin.memory = 1 << 19
    assert "TensorRT cannot build the engine: the GPU is out of memory ([defaultAllocator.cpp]" in refused(network)


@pytest.mark.parametrize(
    ("error", "captures"),
    [("cudaErrorDevicesUnavailable", True), ("cudaErrorLaunchFailure", False), ("cudaErrorECCUncorrectable", True)],
)
def test_a_gpu_that_disappears_is_replaced_where_that_was_allowed(gpu, network, error, captures):
    gpu.captures = captures
    opened = Network(network, BOTH)
    assert_right(opened)
    gpu.lost = error
    assert_right(opened)  # the very frame
    assert "ONNX Runtime" in opened.device
    (reason,) = opened.passed_over
    assert reason.startswith("TensorRT") and error in reason and "\n" not in reason
    assert_right(opened)
    assert len(opened.passed_over) == 1
    gc.collect()
    assert gpu.leftovers() == []


def test_a_gpu_that_disappears_is_an_error_where_nothing_else_was_allowed(orin, network):
    opened = Network(network, ALONE)
    orin.lost = "cudaErrorLaunchFailure"
    for _ in range(2):
        with pytest.raises(DeviceLostError, match="cudaErrorLaunchFailure"):
            opened.predict(random_rgb())
    assert "TensorRT" in opened.device


def test_a_gpu_that_disappears_and_a_file_that_did_too(orin, tmp_path):
    path = write_network(tmp_path / "gone.onnx")
    opened = Network(path, BOTH)
    path.unlink()
    orin.lost = "cudaErrorLaunchFailure"
    with pytest.raises(DeviceLostError, match=r"cudaErrorLaunchFailure\); and cannot read the network file"):
        opened.predict(random_rgb())


@pytest.mark.parametrize("write_another", [lambda path: write_network(path, 24, 32), write_depth_network])
def test_a_gpu_that_disappears_and_a_file_that_is_another_by_now(orin, tmp_path, write_another):
    path = write_network(tmp_path / "network.onnx")
    opened = Network(path, BOTH)
    write_another(path)  # of another card, or of the same
    orin.lost = "cudaErrorLaunchFailure"
    with pytest.raises(DeviceLostError, match="is another network by now: reload it"):
        opened.predict(random_rgb())


def test_threads_that_lose_the_gpu_together_open_one_replacement(orin, network):
    opened = Network(network, BOTH)
    orin.lost = "cudaErrorLaunchFailure"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: assert_right(opened, seed), range(8)))
    assert len(opened.passed_over) == 1


def test_a_fault_that_is_not_the_devices_end_fails_that_frame_alone(orin, network, monkeypatch):
    opened = Network(network, BOTH)
    orin.lost = "cudaErrorNotSupported"
    with pytest.raises(NetworkError, match="cudaErrorNotSupported"):
        opened.predict(random_rgb())
    orin.lost = ""
    assert_right(opened)
    assert "TensorRT" in opened.device
