"""A small network file of convolutions, for tests of what changes the arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from network_file import card
from onnx import TensorProto, helper, numpy_helper

from mtl_perception.model_card import METADATA_KEY, Evaluation

CHANNELS = 8
CARD = card(name="conv", evaluations=(Evaluation("none", "val", 3, {"miou": 0.5}),))


def write_convolution_network(path: Path, height: int = 48, width: int = 64) -> Path:
    """Depth and two scores of random convolutions: a first one, a depthwise one, two residual ones, the two heads.

    As exporters leave it but for one thing: the nodes have no names.
    """
    rng = np.random.default_rng(0)
    shape = [1, height, width]
    weights, nodes = {}, []

    def convolution(source: str, target: str, out: int, size: int, groups: int = 1) -> None:
        into = (3 if source == "scaled" else CHANNELS) // groups
        spread = np.sqrt(2 / (into * size * size))
        weights[f"{target}.weight"] = rng.normal(0, spread, (out, into, size, size)).astype(np.float32)
        weights[f"{target}.bias"] = rng.uniform(0.1, 0.3, out).astype(np.float32)
        inputs = [source, f"{target}.weight", f"{target}.bias"]
        nodes.append(helper.make_node("Conv", inputs, [target], pads=[size // 2] * 4, group=groups))

    nodes += [
        helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["levels", "most"], ["scaled"]),
    ]
    convolution("scaled", "first", CHANNELS, 3)
    nodes.append(helper.make_node("Relu", ["first"], ["a"]))
    convolution("a", "first_deep", CHANNELS, 3, CHANNELS)
    nodes.append(helper.make_node("Relu", ["first_deep"], ["b"]))
    convolution("b", "middle", CHANNELS, 3)
    nodes.append(helper.make_node("Relu", ["middle"], ["c"]))
    convolution("c", "deep", CHANNELS, 3, CHANNELS)
    nodes.append(helper.make_node("Add", ["b", "deep"], ["sum"]))
    nodes.append(helper.make_node("Relu", ["sum"], ["d"]))
    convolution("d", "metres", 1, 1)
    convolution("d", "scores", 2, 1)
    nodes += [
        helper.make_node("Softplus", ["metres"], ["positive"]),
        helper.make_node("Squeeze", ["positive", "channel"], ["depth"]),
        helper.make_node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0),
        helper.make_node("Add", ["best", "one"], ["id"]),
        helper.make_node("Cast", ["id"], ["segmentation"], to=TensorProto.UINT8),
        helper.make_node("Identity", ["segmentation"], ["confidence"]),
    ]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    constants += [
        numpy_helper.from_array(np.float32(255), "most"),
        numpy_helper.from_array(np.array([1]), "channel"),
        numpy_helper.from_array(np.array(1), "one"),
    ]
    graph = helper.make_graph(
        nodes,
        "convolutions",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, height, width, 3])],
        [
            helper.make_tensor_value_info("depth", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("segmentation", TensorProto.UINT8, shape),
            helper.make_tensor_value_info("confidence", TensorProto.UINT8, shape),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    model.metadata_props.add(key=METADATA_KEY, value=CARD.to_json())
    model.metadata_props.add(key="made.by", value="a test")
    onnx.save(model, path)
    return path
