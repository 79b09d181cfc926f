"""Tiny network files whose every output is a known function of the input, for tests of what runs them."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from mtl_perception.model_card import METADATA_KEY, ModelCard, SemanticClass, TrainingData

CLASSES = (SemanticClass(1, "wall", (200, 60, 60)), SemanticClass(2, "floor", (60, 200, 60)))


def card(height: int = 48, width: int = 64, **changes) -> ModelCard:
    fields = dict(
        name="tiny",
        architecture="channels of the image",
        classes=CLASSES,
        input_height=height,
        input_width=width,
        focal_length=50.0,
        depth_min=0.5,
        depth_max=10.0,
        training_data=(TrainingData("none", 0, "CC0-1.0"),),
        licence="CC0-1.0",
        evaluations=(),
        commit="0000000",
        date="2026-01-01",
    )
    return ModelCard(**{**fields, **changes})


def write_network(
    path: Path, height: int = 48, width: int = 64, *, card_text: str | None = "", depth_output: str = "depth"
) -> Path:
    """Depth is red / 20 in metres, the class is 1 + (green > 127), the confidence is blue.

    ``card_text`` None leaves the card out; empty writes the right one.
    """
    shape = [1, height, width]
    nodes = [
        helper.make_node("Split", ["image"], ["r4", "g4", "b4"], axis=3, num_outputs=3),
        *(helper.make_node("Squeeze", [f"{c}4", "last"], [c]) for c in "rgb"),
        helper.make_node("Cast", ["r"], ["red"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["red", "twenty"], [depth_output]),
        helper.make_node("Greater", ["g", "middle"], ["above"]),
        helper.make_node("Cast", ["above"], ["bit"], to=TensorProto.UINT8),
        helper.make_node("Add", ["bit", "one"], ["segmentation"]),
        helper.make_node("Identity", ["b"], ["confidence"]),
    ]
    constants = [
        helper.make_tensor("last", TensorProto.INT64, [1], [3]),
        helper.make_tensor("twenty", TensorProto.FLOAT, [], [20.0]),
        helper.make_tensor("middle", TensorProto.UINT8, [], [127]),
        helper.make_tensor("one", TensorProto.UINT8, [], [1]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, height, width, 3])],
        [
            helper.make_tensor_value_info(depth_output, TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("segmentation", TensorProto.UINT8, shape),
            helper.make_tensor_value_info("confidence", TensorProto.UINT8, shape),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    if card_text is not None:
        model.metadata_props.add(key=METADATA_KEY, value=card_text or card(height, width).to_json())
    onnx.save(model, path)
    return path


def write_depth_network(path: Path, height: int = 48, width: int = 64) -> Path:
    """Depth in millimetres is 256 red + green: any depth that a test can draw. The class is 1, the confidence 255."""
    shape = [1, height, width]
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["levels", "metres"], ["parts"]),
        helper.make_node("ReduceSum", ["parts", "last"], ["depth"], keepdims=0),
        helper.make_node("ConstantOfShape", ["shape"], ["segmentation"], value=_uint8(1)),
        helper.make_node("ConstantOfShape", ["shape"], ["confidence"], value=_uint8(255)),
    ]
    constants = [
        helper.make_tensor("metres", TensorProto.FLOAT, [3], [0.256, 0.001, 0.0]),
        helper.make_tensor("last", TensorProto.INT64, [1], [3]),
        helper.make_tensor("shape", TensorProto.INT64, [3], shape),
    ]
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, height, width, 3])],
        [
            helper.make_tensor_value_info("depth", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("segmentation", TensorProto.UINT8, shape),
            helper.make_tensor_value_info("confidence", TensorProto.UINT8, shape),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    model.metadata_props.add(key=METADATA_KEY, value=card(height, width).to_json())
    onnx.save(model, path)
    return path


def _uint8(value: int) -> onnx.TensorProto:
    return helper.make_tensor("", TensorProto.UINT8, [1], [value])
