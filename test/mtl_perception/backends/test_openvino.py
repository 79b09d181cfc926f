"""OpenVINO gives what ONNX Runtime gives, and refuses in one line what it cannot run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from network_file import card, write_network

pytest.importorskip("mtl_perception.backends.openvino", exc_type=RuntimeError, reason="OpenVINO is not installed")

from mtl_perception.backends import NetworkError, choice
from mtl_perception.backends import openvino as backend
from mtl_perception.backends.choice import Runtime
from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend
from mtl_perception.backends.openvino import OpenVinoBackend
from mtl_perception.model_card import METADATA_KEY
from mtl_perception.network import Network
from mtl_perception.share import model_path

OPENVINO = Runtime(backends=("openvino",))


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (1, 48, 64, 3), np.uint8)


def test_outputs_are_what_the_network_computes(network, image):
    opened = OpenVinoBackend(network.read_bytes())
    depth, segmentation, confidence = opened.run(image)
    np.testing.assert_allclose(depth, image[..., 0] / np.float32(20), rtol=1e-6)
    np.testing.assert_array_equal(segmentation, 1 + (image[..., 1] > 127))
    np.testing.assert_array_equal(confidence, image[..., 2])
    assert (depth.dtype, segmentation.dtype, confidence.dtype) == (np.float32, np.uint8, np.uint8)
    assert opened.device.startswith("OpenVINO 20") and opened.device.endswith(", CPU")


def test_the_shipped_network_is_the_same_in_both_libraries():
    model = model_path("").read_bytes()
    ramp = np.linspace(0, 255, 480 * 640 * 3).reshape(1, 480, 640, 3).astype(np.uint8)
    ours, theirs = OpenVinoBackend(model).run(ramp), OnnxRuntimeBackend(model, ["CPUExecutionProvider"]).run(ramp)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-3)
    assert (ours[1] == theirs[1]).mean() > 0.9999
    assert (np.abs(ours[2].astype(int) - theirs[2]) <= 1).mean() > 0.9999


def test_outputs_are_the_callers_to_change(network, image):
    opened = OpenVinoBackend(network.read_bytes())
    first = opened.run(image)
    for output in first:
        output[:] = 1
    second = opened.run(image)
    np.testing.assert_array_equal(second[2], image[..., 2])
    assert all((output == 1).all() for output in first)


def test_several_threads_get_their_own_results(network):
    opened = Network(network, OPENVINO)
    frames = [np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8) for seed in range(32)]
    with ThreadPoolExecutor(4) as pool:
        for rgb, prediction in zip(frames, pool.map(opened.predict, frames), strict=True):
            np.testing.assert_array_equal(prediction.confidence, rgb[..., 2])


def test_a_view_of_a_larger_frame_will_do(network, image):
    opened = OpenVinoBackend(network.read_bytes())
    larger = np.zeros((1, 50, 70, 3), np.uint8)
    larger[:, 1:49, 2:66] = image
    np.testing.assert_array_equal(opened.run(larger[:, 1:49, 2:66])[2], image[..., 2])


def test_the_card_is_read_as_it_was_written(tmp_path):
    wanted = card(name='kitchen "2" <ü>\n\\', licence="CC0-1.0 & others")
    path = write_network(tmp_path / "kitchen.onnx", card_text=wanted.to_json())
    opened = Network(path, OPENVINO)
    assert opened.card == wanted and opened.device.startswith("OpenVINO")
    model = onnx.load(path)
    model.metadata_props.add(key="one.more", value="1")
    metadata = OpenVinoBackend(model.SerializeToString()).metadata
    assert metadata == {METADATA_KEY: wanted.to_json(), "one.more": "1"}


def test_a_file_without_a_card_has_no_metadata(tmp_path):
    path = write_network(tmp_path / "bare.onnx", card_text=None)
    assert OpenVinoBackend(path.read_bytes()).metadata == {}
    with pytest.raises(NetworkError, match=r"bare.onnx has no card"):
        Network(path, OPENVINO)


def test_files_it_cannot_run_are_refused_in_one_line(tmp_path, network):
    def changed(change):
        model = onnx.load(network)
        change(model)
        return model.SerializeToString()

    def rename(model):
        model.graph.input[0].name = model.graph.node[0].input[0] = "picture"

    def grow(model):
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "h"

    for model, complaint in (
        (write_network(tmp_path / "a.onnx", depth_output="distance").read_bytes(), "output depth should be float32"),
        (changed(rename), "its input should be image uint8, it has picture uint8"),
        (changed(grow), r"should be of fixed shape \(1, H, W, 3\), it is \[1, '\?', 64, 3\]"),
        (changed(lambda m: setattr(m.graph.node[-1], "op_type", "Abacus")), "cannot open it: .*operations: Abacus"),
        (changed(lambda m: m.graph.node[-1].input.__setitem__(0, "nobody")), "cannot open it: nobody node not found"),
        (b"", "cannot open it: Unable to read the model"),
    ):
        with pytest.raises(NetworkError, match=complaint) as refusal:
            OpenVinoBackend(model)
        assert "\n" not in str(refusal.value)


def test_a_run_that_fails_is_one_line(network):
    with pytest.raises(NetworkError, match=r"OpenVINO failed: .*are incompatible") as failure:
        OpenVinoBackend(network.read_bytes()).run(np.zeros((1, 40, 64, 3), np.uint8))
    assert "\n" not in str(failure.value)


def test_a_library_that_is_broken_here_is_passed_over(network, monkeypatch):
    def broken():
        raise RuntimeError("Exception from src/core.cpp:105:\nCannot load library 'libopenvino_plugins.so'")

    monkeypatch.setattr(backend.openvino, "Core", broken)
    opened = Network(network, Runtime(backends=("openvino", "onnxruntime")))
    assert opened.device.startswith("ONNX Runtime")
    assert opened.passed_over == ("openvino: OpenVINO cannot open it: Cannot load library 'libopenvino_plugins.so'",)


def test_half_precision_is_what_the_cpu_has_or_refused():
    assert backend._half(["FP32", "FP16", "BF16", "INT8"]) == "bf16"
    assert backend._half(["FP32", "FP16"]) == "f16"
    with pytest.raises(NetworkError, match="this CPU has no half precision"):
        backend._half(["FP32", "INT8"])


def test_half_precision_is_never_full_precision_without_a_word(network, image):
    """The library would run a hint that the CPU cannot follow in float32."""
    capabilities = backend.openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    half = Runtime(backends=("openvino",), precision="fp16")
    if {"BF16", "FP16"} & set(capabilities):
        assert Network(network, half).device.endswith(("in bf16", "in f16"))
    else:
        with pytest.raises(NetworkError, match="openvino: this CPU has no half precision"):
            Network(network, half)


def test_auto_prefers_it_to_onnx_runtime_on_a_cpu(network, monkeypatch):
    monkeypatch.setattr(choice, "_onnxruntime_runs_on_cuda", lambda model: False)
    assert Network(network).device.startswith("OpenVINO")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_auto_prefers_it_where_onnx_runtime_is_built_for_a_gpu_that_is_not_there(network, monkeypatch):
    listed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: listed)
    assert Network(network).device.startswith("OpenVINO")


@pytest.mark.parametrize(
    ("cuda", "providers", "why"),
    [
        (True, (), "ONNX Runtime runs it on CUDA"),
        (False, ("CPUExecutionProvider",), "execution providers are named"),
    ],
)
def test_auto_leaves_gpus_and_named_providers_to_onnx_runtime(network, monkeypatch, cuda, providers, why):
    monkeypatch.setattr(choice, "_onnxruntime_runs_on_cuda", lambda model: cuda)
    opened = Network(network, Runtime(providers=providers))
    assert opened.device.startswith("ONNX Runtime") and f"openvino: {why}" in opened.passed_over[-1]
    asked = Network(network, Runtime(backends=("openvino",), providers=providers))
    assert asked.device.startswith("OpenVINO") and not asked.passed_over
