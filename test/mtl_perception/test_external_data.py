"""Network files that keep their weights in other files are told apart, wherever in them they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from network_file import write_network
from onnx import TensorProto, helper

from mtl_perception.backends import NetworkError, external_data
from mtl_perception.network import Network


def with_external_weights(path: Path, location: str, where: str = "graph") -> Path:
    """A network that adds to its depth what the file ``location`` says."""
    tensor = TensorProto(name="more", data_type=TensorProto.FLOAT, dims=[1, 48, 64])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)

    model = onnx.load(write_network(path))
    next(n for n in model.graph.node if n.op_type == "Div").output[0] = "less"
    if where == "graph":
        model.graph.initializer.append(tensor)
    else:
        model.graph.node.append(helper.make_node("Constant", [], ["more"], value=tensor))
    model.graph.node.append(helper.make_node("Add", ["less", "more"], ["depth"]))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("where", ["graph", "node"])
@pytest.mark.parametrize("location", ["weights.bin", "{folder}/weights.bin", "../{name}/weights.bin"])
def test_weights_in_another_file_are_refused(tmp_path, monkeypatch, location, where):
    np.full(48 * 64, 7, np.float32).tofile(tmp_path / "weights.bin")
    monkeypatch.chdir(tmp_path)
    location = location.format(folder=tmp_path, name=tmp_path.name)
    path = with_external_weights(Path("external.onnx"), location, where)
    with pytest.raises(NetworkError) as refusal:
        Network(path)
    reason = f"its weights lie in another file, {location!r}: export it with the weights inside"
    assert str(refusal.value) == f"external.onnx: {reason}"


def test_external_files_are_looked_for_wherever_onnx_can_hold_a_tensor():
    """The table of fields is that of onnx's own description of the format."""
    wanted: dict[str, dict[int, str]] = {}

    def leads_to_a_tensor(message, above=()) -> bool:
        if message.name == "TensorProto":
            return True
        return message.name not in above and any(
            field.message_type and leads_to_a_tensor(field.message_type, (*above, message.name))
            for field in message.fields
        )

    pending = [onnx.ModelProto.DESCRIPTOR]
    while pending:
        message = pending.pop()
        if message.name in wanted:
            continue
        children = [f for f in message.fields if f.message_type and leads_to_a_tensor(f.message_type)]
        if message.name == "TensorProto":
            children = [message.fields_by_name["external_data"]]
        wanted[message.name] = {f.number: f.message_type.name for f in children}
        pending += [f.message_type for f in children if f.message_type.name != "StringStringEntryProto"]
    assert wanted == external_data._FIELDS


def test_metadata_of_any_kind_is_no_external_file(network):
    model = onnx.load(network)
    model.metadata_props.add(key="location", value="the kitchen")
    model.graph.metadata_props.add(key="location", value="the kitchen")
    assert external_data.external_files(model.SerializeToString()) == []
