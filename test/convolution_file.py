"""A tiny network file with all that an exported one has: convolutions, resizing, argmax, bytes turned and gathered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from network_file import card
from onnx import TensorProto, helper, numpy_helper

from mtl_perception.model_card import METADATA_KEY


def write_convolutions(
    path: Path, height: int = 24, width: int = 32, *, opset: int = 20, quantised: bool = False
) -> Path:
    """Seeded weights; two classes; labels decided at half the size and enlarged by the nearest pixel.

    ``quantised`` puts 8-bit quantisation, with zero points of 0, before the second convolution and on its weights.
    """
    random = np.random.default_rng(0)
    rows, columns = (np.repeat(np.arange(n // 2), 2).astype(np.int64) for n in (height, width))
    enlarge = [np.kron(np.eye(n // 2), np.ones((2, 1))).astype(np.float32) for n in (height, width)]
    constants = {
        "full": np.float32(255),
        "one": np.int64(1),
        "w1": random.normal(0, 0.4, (8, 3, 3, 3)).astype(np.float32),
        "b1": random.normal(0, 0.1, 8).astype(np.float32),
        "w2": random.normal(0, 0.4, (3, 8, 1, 1)).astype(np.float32),
        "parts": np.array([1, 2], np.int64),
        "channels": np.array([1], np.int64),
        "first": np.int64(0),
        "rows": rows,
        "columns": columns,
        "enlarge_rows": enlarge[0],
        "enlarge_columns": np.ascontiguousarray(enlarge[1].T),
        "scale": np.float32(0.02),
        "wscale": np.float32(0.01),
        "zero": np.int8(0),
    }
    nodes = [
        helper.make_node("Transpose", ["image"], ["chw"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["chw"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "full"], ["rgb"]),
        helper.make_node("Conv", ["rgb", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["q1" if quantised else "r1", "qw2" if quantised else "w2"], ["c2"]),
        helper.make_node("Split", ["c2", "parts"], ["logdepth", "scores"], axis=1),
        helper.make_node("Exp", ["logdepth"], ["near"]),
        helper.make_node("MatMul", ["near", "enlarge_columns"], ["wide"]),
        helper.make_node("MatMul", ["enlarge_rows", "wide"], ["high"]),
        helper.make_node("Gather", ["high", "first"], ["depth"], axis=1),
        helper.make_node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0),
        helper.make_node("Add", ["best", "one"], ["ids"]),
        helper.make_node("Cast", ["ids"], ["classes"], to=TensorProto.UINT8),
        *_enlarged("classes", "segmentation"),
        helper.make_node("Softmax", ["scores"], ["shares"], axis=1),
        helper.make_node("ReduceMax", ["shares", "channels"], ["share"], keepdims=0),
        helper.make_node("Mul", ["share", "full"], ["scaled"]),
        helper.make_node("Round", ["scaled"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["sure"], to=TensorProto.UINT8),
        *_enlarged("sure", "confidence"),
    ]
    if quantised:
        nodes[5:5] = [
            helper.make_node("QuantizeLinear", ["r1", "scale", "zero"], ["r1q"]),
            helper.make_node("DequantizeLinear", ["r1q", "scale", "zero"], ["q1"]),
            helper.make_node("QuantizeLinear", ["w2", "wscale", "zero"], ["w2q"]),
            helper.make_node("DequantizeLinear", ["w2q", "wscale", "zero"], ["qw2"]),
        ]
    graph = helper.make_graph(
        nodes,
        "convolutions",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, height, width, 3])],
        [
            helper.make_tensor_value_info(name, kind, [1, height, width])
            for name, kind in (
                ("depth", TensorProto.FLOAT),
                ("segmentation", TensorProto.UINT8),
                ("confidence", TensorProto.UINT8),
            )
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    model.metadata_props.add(key=METADATA_KEY, value=card(height, width).to_json())
    onnx.save(model, path)
    return path


def _enlarged(source: str, target: str) -> list[onnx.NodeProto]:
    """Twice the size by the nearest pixel, as the exporter writes it: columns are gathered, then rows, of bytes."""
    return [
        helper.make_node("Gather", [source, "columns"], [f"{source}a"], axis=2),
        helper.make_node("Gather", [f"{source}a", "rows"], [target], axis=1),
    ]
