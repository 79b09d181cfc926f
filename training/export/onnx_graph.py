"""A network as ONNX: the graph, and a file of it that tells what it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
import torch

from mtl_perception.backends.signature import INPUT, OUTPUTS
from mtl_perception.model_card import METADATA_KEY, ModelCard
from training.deployed.deployed_network import DeployedNetwork


def to_onnx(deployed: DeployedNetwork) -> onnx.ModelProto:
    """The network as ONNX, weights inside."""
    example = torch.zeros(1, *deployed.size, 3, dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            deployed.eval(),
            (example,),
            path,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return onnx.load(path)


def with_card(model: onnx.ModelProto, card: ModelCard) -> bytes:
    """The bytes of the network file: ``model``, saying of itself what ``card`` says and nothing else."""
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    # The exporter notes for each operation which line of Python made it, with the path of this machine.
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.checker.check_model(model)
    return model.SerializeToString()
