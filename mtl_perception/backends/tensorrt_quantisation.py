"""8-bit quantisation in an ONNX graph, as far as TensorRT takes it: signed, around 0, of activations and weights."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from mtl_perception.backends import NetworkError

QUANTISING = ("QuantizeLinear", "DequantizeLinear")


def is_quantised(model: onnx.ModelProto) -> bool:
    """Whether the file carries 8-bit quantisation."""
    return any(node.op_type in QUANTISING for node in model.graph.node)


def settle_quantisation(graph: onnx.GraphProto) -> None:
    """Leave the quantisation that TensorRT takes: biases of 32 bits become the floats they stand for, exactly.

    Raises:
        NetworkError: the file is quantised for CPUs, whose bytes are unsigned, or not around 0; or by steps that it
            computes.
    """
    constants = _constants(graph)
    kept = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and _kind(constants, node.input[0]) == TensorProto.INT32:
            if node.input[1] not in constants:
                raise NetworkError(f"node {node.name or node.output[0]} is quantised by steps that are no constant")
            steps, scale = (numpy_helper.to_array(constants[name]) for name in node.input[:2])
            graph.initializer.append(numpy_helper.from_array((steps * scale).astype(scale.dtype), node.output[0]))
            continue
        if node.op_type in QUANTISING and not _signed_around_zero(node, constants):
            raise NetworkError(
                f"node {node.name or node.output[0]} is quantised for a CPU, and TensorRT takes signed bytes around 0: "
                "make a file for it with `mtl-perception quantize --for tensorrt`"
            )
        kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """By name, whichever of the two ways they are written."""
    nodes = (node for node in graph.node if node.op_type == "Constant")
    constants = {node.output[0]: entry.t for node in nodes for entry in node.attribute if entry.name == "value"}
    return {**constants, **{tensor.name: tensor for tensor in graph.initializer}}


def _kind(constants: dict[str, onnx.TensorProto], name: str) -> int:
    return constants[name].data_type if name in constants else TensorProto.UNDEFINED


def _signed_around_zero(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    if len(node.input) < 3 or not node.input[2]:  # unsigned, says ONNX, but for the input of a DequantizeLinear
        return node.op_type == "DequantizeLinear" and _kind(constants, node.input[0]) == TensorProto.INT8
    zero = constants.get(node.input[2])
    return zero is not None and zero.data_type == TensorProto.INT8 and not np.any(numpy_helper.to_array(zero))
