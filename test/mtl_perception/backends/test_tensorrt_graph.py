"""What TensorRT is given: the network's own answers, bytes only at its edges, half precision where it was asked for."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from convolution_file import write_convolutions
from gpu_doubles.tensorrt_double import parser_errors
from network_file import write_depth_network, write_network
from onnx import TensorProto, helper, numpy_helper

from mtl_perception.backends import NetworkError
from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend
from mtl_perception.backends.tensorrt_graph import graph_for_tensorrt, metadata_of, read_graph
from mtl_perception.backends.tensorrt_quantisation import is_quantised, settle_quantisation
from mtl_perception.deployment.parity import TOLERANCES, compare
from mtl_perception.share import model_path

WRITERS = {"channels": write_network, "millimetres": write_depth_network, "convolutions": write_convolutions}


def answers(model: bytes, image: np.ndarray):
    return OnnxRuntimeBackend(model, ["CPUExecutionProvider"], 1).run(image)


def random_image(model: onnx.ModelProto) -> np.ndarray:
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def weights(model: onnx.ModelProto) -> dict[str, int]:
    return {tensor.name: tensor.data_type for tensor in model.graph.initializer}


@pytest.mark.parametrize("kind", WRITERS)
def test_bytes_are_at_the_edges_only_and_the_answers_the_same(tmp_path, kind):
    file = WRITERS[kind](tmp_path / "network.onnx").read_bytes()
    assert parser_errors(onnx.load_model_from_string(file))  # as it is, TensorRT would not take it
    model = graph_for_tensorrt(read_graph(file), "fp32")
    onnx.checker.check_model(model, full_check=True)
    assert not parser_errors(model)
    image = random_image(model)
    for ours, wanted in zip(answers(model.SerializeToString(), image), answers(file, image), strict=True):
        assert ours.dtype == wanted.dtype
        np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("quantised", [False, True])
def test_half_precision_up_to_the_last_convolution(tmp_path, quantised):
    file = write_convolutions(tmp_path / "network.onnx", quantised=quantised).read_bytes()
    model = graph_for_tensorrt(read_graph(file), "fp16")
    onnx.checker.check_model(model, full_check=True)
    assert not parser_errors(model)
    kinds = weights(model)
    halves = {"w1", "b1", "w2"} | ({"scale", "wscale"} if quantised else set())
    assert {name for name, kind in kinds.items() if kind == TensorProto.FLOAT16} >= halves
    floats = [name for name, kind in kinds.items() if kind == TensorProto.FLOAT]
    assert sorted(name.rpartition("/")[2] for name in floats) == ["enlarge_columns", "enlarge_rows", "full"]
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    assert len(casts) == 7  # in, the old one, out of half once; two into float and two into bytes
    frames = list(np.random.default_rng(1).integers(0, 256, (3, 24, 32, 3), np.uint8))
    # Not fused: a processor's own 8-bit sums may overflow.
    files = (file, model.SerializeToString())
    backends = [OnnxRuntimeBackend(m, ["CPUExecutionProvider"], 1, fuse=False) for m in files]
    parity = compare(*backends, frames)
    # Where half precision tips a rounding to 8 bits, a whole step of those is seen.
    assert not parity.beyond(TOLERANCES["int8" if quantised else "fp16"])
    assert parity.depth_median > 1e-6  # it is another precision


def test_the_shipped_network_in_half_precision_is_within_its_tolerance():
    file = model_path("").read_bytes()
    model = graph_for_tensorrt(read_graph(file), "fp16").SerializeToString()
    assert len(model) < 0.6 * len(file)
    backends = [OnnxRuntimeBackend(m, ["CPUExecutionProvider"], 1) for m in (file, model)]
    smooth = np.linspace(0, 255, 480 * 640 * 3).reshape(480, 640, 3).astype(np.uint8)
    assert not compare(*backends, [smooth]).beyond(TOLERANCES["fp16"])


def test_a_network_without_convolutions_has_nothing_to_halve(network):
    model = graph_for_tensorrt(read_graph(network.read_bytes()), "fp16")
    assert TensorProto.FLOAT16 not in weights(model).values()


def test_quantisation_is_known_and_bytes_of_its_own_are_left(tmp_path):
    quantised = read_graph(write_convolutions(tmp_path / "q.onnx", quantised=True).read_bytes())
    assert is_quantised(quantised) and not is_quantised(
        read_graph(write_convolutions(tmp_path / "f.onnx").read_bytes())
    )
    assert weights(graph_for_tensorrt(quantised, "fp32"))["zero"] == TensorProto.INT8


def test_steps_that_are_nodes_are_found_and_those_that_are_computed_refused():
    scale = numpy_helper.from_array(np.float32(0.5))
    nodes = [
        helper.make_node("Constant", [], ["one"], value=scale),
        helper.make_node("DequantizeLinear", ["bias", "one"], ["b"], "the_bias"),
    ]
    bias = numpy_helper.from_array(np.array([2, 4], np.int32), "bias")
    graph = helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, [2])], [bias])
    settle_quantisation(graph)
    np.testing.assert_array_equal(numpy_helper.to_array(graph.initializer[-1]), [1.0, 2.0])
    nodes.insert(1, helper.make_node("Neg", ["one"], ["computed"]))
    nodes[2].input[1] = "computed"
    graph = helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, [2])], [bias])
    with pytest.raises(NetworkError, match="node the_bias is quantised by steps that are no constant"):
        settle_quantisation(graph)


def test_biases_of_32_bits_become_the_floats_they_stand_for(tmp_path):
    """So ONNX Runtime's quantiser writes them, and TensorRT's parser does not take them."""
    model = onnx.load(write_convolutions(tmp_path / "q.onnx", quantised=True))
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "b1")
    steps = np.rint(numpy_helper.to_array(bias) / 1e-3).astype(np.int32)
    model.graph.initializer.remove(bias)
    for name, value in (("b1q", steps), ("b1s", np.full(8, 1e-3, np.float32)), ("b1z", np.zeros(8, np.int32))):
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    model.graph.node.insert(0, helper.make_node("DequantizeLinear", ["b1q", "b1s", "b1z"], ["b1"], axis=0))
    file = model.SerializeToString()
    ours = graph_for_tensorrt(read_graph(file), "fp32")
    onnx.checker.check_model(ours, full_check=True)
    assert weights(ours)["b1"] == TensorProto.FLOAT
    assert sum(node.op_type == "DequantizeLinear" for node in ours.graph.node) == 2
    image = random_image(ours)
    for one, other in zip(answers(ours.SerializeToString(), image), answers(file, image), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("zero", [np.uint8(0), np.int8(3), None])
def test_what_is_quantised_for_a_cpu_is_refused(tmp_path, zero):
    model = onnx.load(write_convolutions(tmp_path / "q.onnx", quantised=True))
    old = next(tensor for tensor in model.graph.initializer if tensor.name == "zero")
    if zero is None:
        for node in model.graph.node:
            node.input[:] = [name for name in node.input if name != "zero"]
    else:
        old.CopyFrom(numpy_helper.from_array(np.asarray(zero), "zero"))
    with pytest.raises(NetworkError, match=r"node r1q is quantised for a CPU.*quantize --for tensorrt`$"):
        graph_for_tensorrt(read_graph(model.SerializeToString()), "fp32")


def test_a_quantised_file_of_an_old_opset_has_no_half_precision(tmp_path):
    file = write_convolutions(tmp_path / "network.onnx", opset=18, quantised=True).read_bytes()
    with pytest.raises(NetworkError, match="opset 18 has no half precision, which came with 19: use fp32"):
        graph_for_tensorrt(read_graph(file), "fp16")


def test_what_is_no_network_file_is_refused(tmp_path):
    with pytest.raises(NetworkError, match="damaged or no ONNX file"):
        read_graph(b"\x08\xff\xff")
    with pytest.raises(NetworkError, match="its output depth should be"):
        read_graph(write_network(tmp_path / "bad.onnx", depth_output="distance").read_bytes())


def test_the_card_is_read(network):
    assert "mtl_perception.card" in metadata_of(read_graph(network.read_bytes()))
