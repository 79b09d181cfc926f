"""Engines built at first use, kept, taken again or built anew, and what is said of it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest
from gpu_doubles.documented import Undocumented
from gpu_doubles.gpu_double import Gpu
from gpu_doubles.on_a_gpu import on_a_gpu
from gpu_doubles.opened import ALONE, BOTH, assert_right, refused
from network_file import write_network

from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network

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


def test_a_layer_that_tensorrt_lacks_is_left_to_another_library_where_that_was_allowed(orin, network, monkeypatch):
    monkeypatch.setattr("gpu_doubles.tensorrt_double.UNSUPPORTED", ("Split",))
    assert "(Split): No importer registered" in refused(network)
    opened = Network(network, BOTH)
    assert_right(opened)
    assert "ONNX Runtime" in opened.device and "(Split): No importer registered" in opened.passed_over[0]


def test_a_file_that_is_no_network_is_refused_before_a_build(orin, tmp_path):
    assert "its output depth should be" in refused(write_network(tmp_path / "bad.onnx", depth_output="distance"))
    assert orin.record == []


_BUILDING = """
import os, signal, sys, threading, time
sys.path[:0] = {paths!r}
from gpu_doubles import on_a_gpu, tensorrt_double
from gpu_doubles.gpu_double import Gpu
from mtl_perception.network import Network, Runtime

begun = threading.Event()

def minutes(monitor):
    deadline = time.monotonic() + 30
    monitor.phase_start("Building Engine", None, 1000)
    begun.set()
    while (go_on := monitor.step_complete("Building Engine", 0)) and time.monotonic() < deadline:
        time.sleep(0.01)
    print("built" if go_on else "stopped", flush=True)
    return go_on

tensorrt_double._progress = minutes
gpu = Gpu()
double = on_a_gpu.on_a_gpu(gpu)
double.__enter__()

def build():
    Network({path!r}, Runtime(backends=("tensorrt",)))
"""
_CTRL_C = """
def interrupt():
    begun.wait()
    os.kill(os.getpid(), signal.SIGINT)  # as the terminal does: to the process, not to a thread

threading.Thread(target=interrupt).start()
try:
    build()
except KeyboardInterrupt:
    print("interrupted", "build" in gpu.record)
"""
_END = """
threading.Thread(target=build, daemon=True).start()
assert begun.wait(60)
"""


def said_while_building(network, code: str) -> str:
    """What a process prints that builds an engine for a long time, and then does ``code``."""
    root = Path(__file__).parents[3]
    code = _BUILDING.format(paths=[str(root / "test"), str(root)], path=str(network)) + code
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    return ended.stdout or ended.stderr


def test_ctrl_c_ends_a_build(network, tmp_path):
    assert said_while_building(network, _CTRL_C) == "stopped\ninterrupted False\n"
    assert not list((tmp_path / "engines").glob("*.engine"))


def test_a_process_that_ends_does_not_wait_for_a_build(network):
    """As a node that is told to stop while ``~/reload`` builds."""
    assert said_while_building(network, _END) == "stopped\n"


def test_a_frame_meanwhile_does_not_take_the_messages_of_a_build(orin):
    """As `~/reload` builds while the network that runs takes frames."""
    log = importlib.import_module("mtl_perception.backends.tensorrt_log").LOG
    with log.errors() as building:
        with log.errors() as frame:
            pass
        log.log(sys.modules["tensorrt"].ILogger.Severity.ERROR, "out of\n memory")
    log.log(sys.modules["tensorrt"].ILogger.Severity.ERROR, "nobody asks any more")
    assert (building, frame) == (["out of memory"], [])


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
        ({"multiprocessors": 8}, "the number of multiprocessors was 16, is 8"),  # a Nano, or a power mode that saves
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


def test_after_a_refusal_another_machine_does_not_build_unasked(network):
    from mtl_perception.backends.engine_cache import EngineCache
    from mtl_perception.backends.engine_file import StoredEngine

    with on_a_gpu(Gpu()):
        key = importlib.import_module("mtl_perception.backends.tensorrt_opening").key_of(network.read_bytes(), "fp32")
        EngineCache().keep(StoredEngine(key, b"", refused="depth moved by 9 %"))
    with on_a_gpu(gpu := Gpu(driver=13000)):
        assert "refused the fp32 engine of this network: depth moved by 9 % (since then the driver" in refused(network)
        assert "ONNX Runtime" in Network(network, BOTH).device and "build" not in gpu.record


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
