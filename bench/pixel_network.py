"""A network file that costs nothing, for figures the network must not limit."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from mtl_perception.model_card import METADATA_KEY, ModelCard, SemanticClass


def write_pixel_network(path: Path, height: int, width: int) -> None:
    """Write to ``path`` a network whose depth, class and confidence are red, green and blue of its input."""
    shape = [1, height, width]
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["image", "red"], ["depth8"], axis=3),
            helper.make_node("Cast", ["depth8"], ["depth"], to=TensorProto.FLOAT),
            helper.make_node("Gather", ["image", "green"], ["segmentation"], axis=3),
            helper.make_node("Gather", ["image", "blue"], ["confidence"], axis=3),
        ],
        "pixel",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [*shape, 3])],
        [
            helper.make_tensor_value_info("depth", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("segmentation", TensorProto.UINT8, shape),
            helper.make_tensor_value_info("confidence", TensorProto.UINT8, shape),
        ],
        [helper.make_tensor(c, TensorProto.INT64, [], [i]) for i, c in enumerate(("red", "green", "blue"))],
    )
    card = ModelCard(
        name="pixel",
        architecture="the pixels of the image",
        classes=(SemanticClass(1, "pixel", (255, 255, 255)),),
        input_height=height,
        input_width=width,
        focal_length=500.0,
        depth_min=0.0,
        depth_max=1000.0,
        training_data=(),
        licence="CC0-1.0",
        evaluations=(),
        commit="",
        date="",
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    model.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    onnx.save(model, path)
