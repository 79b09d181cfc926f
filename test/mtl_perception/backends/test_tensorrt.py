"""TensorRT without a GPU: every call held to what three versions document, the answers those of the network itself."""

from __future__ import annotations

import gc
import importlib
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import onnx
import pytest
from convolution_file import write_convolutions
from gpu_doubles.documented import Undocumented
from gpu_doubles.gpu_double import Gpu
from gpu_doubles.on_a_gpu import VERSIONS, modules, on_a_gpu
from network_file import write_network

from mtl_perception.backends import DeviceLostError, NetworkError
from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network

ALONE = Runtime(backends=("tensorrt",))
BOTH = Runtime(backends=("tensorrt", "onnxruntime"), threads=1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", str(tmp_path / "engines"))


@pytest.fixture(params=[version for version, _ in VERSIONS])
def gpu(request) -> Gpu:
    gpu = Gpu()
    with on_a_gpu(gpu, request.param):
        gpu.version = request.param
        yield gpu


@pytest.fixture
def orin() -> Gpu:
    """A GPU with JetPack 6 only, where the version does not matter."""
    gpu = Gpu()
    with on_a_gpu(gpu):
        yield gpu


def random_rgb(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def assert_right(network: Network, seed: int = 0) -> None:
    rgb = random_rgb(seed)
    prediction = network.predict(rgb)
    np.testing.assert_allclose(prediction.depth, rgb[..., 0] / 20, rtol=1e-6)
    np.testing.assert_array_equal(prediction.segmentation, 1 + (rgb[..., 1] > 127))
    np.testing.assert_array_equal(prediction.confidence, rgb[..., 2])


def refused(path, runtime: Runtime = ALONE) -> str:
    with pytest.raises(NetworkError) as refusal:
        Network(path, runtime)
    text = str(refusal.value)
    assert "\n" not in text, text
    return text


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


@pytest.mark.parametrize(
    ("missing", "advice"),
    [
        ({"tensorrt": None}, "TensorRT is not there .*: on a Jetson apt install python3-libnvinfer, elsewhere pip"),
        ({"tensorrt": ModuleType("tensorrt")}, "TensorRT is not there"),  # as type stubs alone leave it
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


def test_a_gpu_that_disappears_and_a_file_that_is_another_by_now(orin, tmp_path):
    path = write_network(tmp_path / "network.onnx")
    opened = Network(path, BOTH)
    write_network(path, 24, 32)
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


# Building


def test_the_build_is_as_asked(gpu, network, monkeypatch):
    import gpu_doubles.tensorrt_double as double

    heads = []
    original = double.made
    monkeypatch.setattr(
        double, "made", lambda kind, *args: (heads.append((kind.__name__, args)), original(kind, *args))[1]
    )
    Network(network, ALONE)
    Network(network, Runtime(backends=("tensorrt",), precision="fp16"))
    engines = [args[0] for name, args in heads if name == "IHostMemory" and args[0].startswith(b'{"version"')]
    assert [b'"tf32": true' in engine for engine in engines] == [False, True]  # fp32 is fp32
    assert gpu.record.count("no timings") == gpu.record.count("timings") == 1  # the second was quicker


def test_timings_that_are_none_are_done_without(gpu, network):
    from mtl_perception.backends.tensorrt_build import build

    for timings in (b"rubbish", b"timings of another GPU"):
        built = build(network.read_bytes(), "fp32", timings)
        assert built.timings == b"timings of Orin"


def test_an_unsupported_layer_is_named_in_one_line(gpu, tmp_path):
    path = write_network(tmp_path / "odd.onnx")
    model = onnx.load(path)
    model.graph.node[-1].op_type, model.graph.node[-1].name = "NoSuchOperator", "the_odd_one"
    onnx.save(model, path)
    text = refused(path)
    assert "TensorRT does not take the network: node the_odd_one (NoSuchOperator): No importer registered" in text


def test_a_file_that_is_no_network_is_refused_before_a_build(orin, tmp_path):
    assert "its output depth should be" in refused(write_network(tmp_path / "bad.onnx", depth_output="distance"))
    assert orin.record == []


def test_ctrl_c_ends_a_build(orin, network, monkeypatch, tmp_path):
    from mtl_perception.backends import tensorrt_log

    go_on = tensorrt_log.ProgressBar.step_complete
    entered = threading.Event()

    def slow_step(self, phase_name, step):
        if not entered.is_set():
            entered.set()
            signal.raise_signal(signal.SIGINT)
            for _ in range(500):  # until the main thread has seen it
                if self.stop:
                    break
                threading.Event().wait(0.01)
        return go_on(self, phase_name, step)

    monkeypatch.setattr(tensorrt_log.ProgressBar, "step_complete", slow_step)
    with pytest.raises(KeyboardInterrupt):
        Network(network, ALONE)
    assert "build" not in orin.record and not list((tmp_path / "engines").glob("*.engine"))


# The cache


def test_an_engine_is_built_once(orin, network, caplog):
    Network(network, ALONE)
    assert_right(Network(network, ALONE))
    assert orin.record.count("build") == 1
    assert caplog.messages == ["building the fp32 engine for Orin, which takes minutes: no engine yet"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": b"NVIDIA Thor"}, "the GPU was Orin, is NVIDIA Thor"),
        ({"driver": 13000}, "the driver was"),
        ({"runtime": 13000}, "CUDA was 12.6, is 13.0"),
    ],
)
def test_another_machine_builds_anew_and_says_why(network, caplog, change, reason):
    for gpu in (Gpu(), Gpu(**change)):
        with on_a_gpu(gpu):
            Network(network, ALONE)
            assert gpu.record.count("build") == 1
    assert reason in caplog.messages[-1]


def test_another_tensorrt_builds_anew_and_says_why(network, caplog):
    for version in ("10.3.0", "10.13.3.9"):
        with on_a_gpu(Gpu(), version, "12.9.10"):
            Network(network, ALONE)
    assert caplog.messages[-1].endswith("which takes minutes: TensorRT was 10.3.0, is 10.13.3.9")


@pytest.mark.parametrize(
    ("content", "reason"), [(b"foreign", "a foreign file"), (None, "damaged: its checksum is another")]
)
def test_a_foreign_or_damaged_file_never_gets_to_tensorrt(orin, network, tmp_path, caplog, content, reason):
    Network(network, ALONE)
    (path,) = (tmp_path / "engines").glob("*.engine")
    whole = path.read_bytes()
    path.write_bytes(content or whole[:-5] + b"xxxxx")
    before = orin.record.count("deserialize")
    assert_right(Network(network, ALONE))
    assert reason in caplog.messages[-1]
    assert orin.record.count("deserialize") == before + 1 and orin.record.count("build") == 2
    assert path.read_bytes() == whole  # built and kept anew


def test_an_engine_that_tensorrt_does_not_take_all_the_same_is_built_anew_once(orin, network, caplog, monkeypatch):
    from mtl_perception.backends import tensorrt_opening
    from mtl_perception.backends.engine_cache import EngineCache
    from mtl_perception.backends.engine_file import StoredEngine

    key = tensorrt_opening.key_of(network.read_bytes(), "fp32")
    EngineCache().keep(StoredEngine(key, b'{"version": "10.2.9"}\n', "fp32"))
    assert_right(Network(network, ALONE))
    assert "TensorRT does not take the engine: Error Code 1: Serialization" in caplog.messages[-1]
    assert orin.record.count("build") == 1


def test_without_a_folder_to_write_to_it_runs_from_memory_and_says_so(orin, network, monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", str(tmp_path / "file" / "engines"))
    for _ in range(2):
        assert_right(Network(network, ALONE))
    assert orin.record.count("build") == 2
    assert "engines are not kept: its folder cannot be made" in caplog.messages[0]
    assert caplog.messages[1].startswith(
        "the engine is not kept, and will be built again at the next start: its folder"
    )


def test_a_refused_engine_is_not_run_nor_built_again(orin, network):
    from mtl_perception.backends import tensorrt_opening
    from mtl_perception.backends.engine_cache import EngineCache
    from mtl_perception.backends.engine_file import StoredEngine

    key = tensorrt_opening.key_of(network.read_bytes(), "fp32")
    EngineCache().keep(StoredEngine(key, b"", refused="depth moved by 9 %"))
    assert "refused the fp32 engine of this network: depth moved by 9 %" in refused(network)
    opened = Network(network, BOTH)
    assert "ONNX Runtime" in opened.device and "depth moved by 9 %" in opened.passed_over[0]
    assert orin.record == []


def test_networks_opened_together_build_once(orin, network):
    with ThreadPoolExecutor(3) as pool:
        for opened in pool.map(lambda _: Network(network, ALONE), range(3)):
            assert_right(opened)
    assert orin.record.count("build") == 1


# The double


def test_the_double_refuses_what_is_not_documented():
    """Else the tests above would prove little."""
    with on_a_gpu(Gpu(), "11.4.0.106"):
        trt, runtime = sys.modules["tensorrt"], sys.modules["cuda.bindings.runtime"]
        log = importlib.import_module("mtl_perception.backends.tensorrt_log").LOG
        builder = trt.Builder(log)
        for wrong in (
            lambda: trt.BuilderFlag.FP16,  # gone in 11
            lambda: builder.build_cuda_engine,
            lambda: builder.create_network(flag=1),
            lambda: trt.Builder(),
            lambda: trt.ICudaEngine(),
            lambda: setattr(builder, "max_workspace_size", 1),
            lambda: trt.IInt8Calibrator,
            lambda: runtime.cudaMalloc(),
            lambda: runtime.cudaMallocManaged(4),
        ):
            with pytest.raises((Undocumented, AttributeError)):
                wrong()
    with on_a_gpu(Gpu(), "10.3.0"):
        assert sys.modules["tensorrt"].BuilderFlag.FP16 is not None
