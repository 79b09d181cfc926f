"""A quantised network is one that every library runs, close to the float one, and says of itself that it is another."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import onnx
import pytest
from convolution_network import CARD, write_convolution_network
from onnx import TensorProto, numpy_helper

from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend
from mtl_perception.backends.tensorrt_graph import graph_for_tensorrt, read_graph
from mtl_perception.deployment.errors import DeploymentError
from mtl_perception.deployment.made_frames import made_frames
from mtl_perception.deployment.parity import compare
from mtl_perception.deployment.quantization import CPU, FEWEST_FRAMES, TARGETS, TENSORRT, quantize
from mtl_perception.model_card import METADATA_KEY, ModelCard

FRAMES = made_frames(20, 60, 80)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> bytes:
    return write_convolution_network(tmp_path_factory.mktemp("float") / "conv.onnx").read_bytes()


@pytest.fixture(scope="module")
def quantised(model) -> dict[str, bytes]:
    return {target: quantize(model, iter(FRAMES), target) for target in TARGETS}


def weights(model: bytes) -> dict[str, np.ndarray]:
    """The 8-bit weights, by the name of what they were."""
    constants = {tensor.name: tensor for tensor in onnx.load_model_from_string(model).graph.initializer}
    names = [
        name for name, tensor in constants.items() if tensor.data_type == TensorProto.INT8 and len(tensor.dims) == 4
    ]
    return {name.removesuffix("_quantized"): numpy_helper.to_array(constants[name]) for name in names}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("library", ["onnxruntime", "openvino"])
def test_every_library_runs_it_close_to_the_float_network(model, quantised, target, library):
    module = pytest.importorskip(f"mtl_perception.backends.{library}", exc_type=RuntimeError, reason="not installed")
    opened = module.OpenVinoBackend if library == "openvino" else OnnxRuntimeBackend
    parity = compare(opened(model), opened(quantised[target]), FRAMES)
    assert 1e-4 < parity.depth_median < 0.02 and parity.depth_p99 < 0.1 and parity.same_class > 0.97


def test_the_first_convolutions_stay_in_float(quantised):
    for target in TARGETS:
        assert {*weights(quantised[target])} == {f"{name}.weight" for name in ("middle", "deep", "metres", "scores")}


def test_sums_of_two_products_do_not_overflow_on_any_cpu(quantised):
    """Where processors add pairs of products in 16 bits; depthwise convolutions have no pairs."""
    found = weights(quantised[CPU])
    for name, most in (("middle", 64), ("scores", 64), ("deep", 127)):
        largest = np.abs(found[f"{name}.weight"].astype(int)).max()
        assert most - 2 <= largest <= most
    assert all(np.abs(value.astype(int)).max() >= 126 for value in weights(quantised[TENSORRT]).values())


def test_tensorrt_gets_signed_bytes_around_zero_and_float_biases(quantised):
    graph = onnx.load_model_from_string(quantised[TENSORRT]).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    zeros = [constants[node.input[2]] for node in graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert zeros and all(zero.dtype == np.int8 and not zero.any() for zero in zeros)
    before = len(graph.node)
    assert len(graph_for_tensorrt(read_graph(quantised[TENSORRT]), "fp32").graph.node) >= before  # takes it as it is


def test_a_frame_is_calibrated_on_as_the_network_sees_it(model):
    """Of the network's own size or larger, the same picture gives the same file."""
    small = made_frames(12, 48, 64)
    large = [frame.repeat(2, 0).repeat(2, 1) for frame in small]
    assert quantize(model, small, CPU) == quantize(model, large, CPU)


def test_the_card_says_that_it_is_another_network(quantised):
    for target, where in ((CPU, "CPUs"), (TENSORRT, "TensorRT")):
        metadata = OnnxRuntimeBackend(quantised[target]).metadata
        assert {*metadata} == {METADATA_KEY}
        found = ModelCard.from_json(metadata[METADATA_KEY])
        assert found.name == "conv_int8" and not found.evaluations
        note = f"in 8-bit integers for {where}, calibrated on 20 frames"
        assert found.architecture == f"{CARD.architecture}, {note}"
        for name in ("classes", "focal_length", "depth_min", "depth_max", "training_data", "licence", "commit", "date"):
            assert getattr(found, name) == getattr(CARD, name)


def test_it_imports_only_operations_that_it_uses(quantised):
    for target in TARGETS:
        assert [entry.domain for entry in onnx.load_model_from_string(quantised[target]).opset_import] == [""]


def without_card(model: bytes) -> bytes:
    graph = onnx.load_model_from_string(model)
    del graph.metadata_props[:]
    return graph.SerializeToString()


def test_what_cannot_be_quantised_is_told_in_one_line(model, quantised, network):
    for file, frames, complaint in (
        (quantised[CPU], FRAMES, "it is quantised already: quantise the float network"),
        (quantised[TENSORRT], FRAMES, "it is quantised already"),
        (network.read_bytes(), FRAMES, "it has no convolution"),
        (without_card(model), FRAMES, "it has no card"),
        (model, [], f"0 frames are too few to calibrate on, {FEWEST_FRAMES} at the least"),
        (model, FRAMES[: FEWEST_FRAMES - 1], "9 frames are too few"),
    ):
        with pytest.raises(DeploymentError, match=complaint) as refusal:
            quantize(file, frames, CPU)
        assert "\n" not in str(refusal.value)


def test_a_frame_that_cannot_be_read_is_told_as_it_was(model):
    def torn():
        yield from FRAMES[:15]
        raise DeploymentError("a15.jpg is torn")

    with pytest.raises(DeploymentError, match=r"^a15.jpg is torn$"):
        quantize(model, torn(), CPU)


def test_what_the_library_cannot_do_is_told_in_one_line(model):
    graph = onnx.load_model_from_string(model)
    graph.graph.node[3].input[0] = "nobody"
    with pytest.raises(DeploymentError, match=r"ONNX Runtime cannot quantise it: .") as refusal:
        quantize(graph.SerializeToString(), FRAMES, CPU)
    assert "\n" not in str(refusal.value)


def test_without_the_onnx_package_it_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "mtl_perception.deployment.quantization")
    with pytest.raises(DeploymentError, match=r"quantising needs the onnx package .*\[quantize\]"):
        importlib.import_module("mtl_perception.deployment.quantization")
