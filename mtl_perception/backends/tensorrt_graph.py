"""An ONNX graph as TensorRT takes it: no bytes but at its edges, and the precision of each part written into it.

TensorRT reads ``uint8`` as a network's input or output only, and converts it from and to float alone; in a network file
bytes are also turned, gathered and added. And of TensorRT 11 on, types are not the builder's to choose any more
("strongly typed"): what is to run in half precision has to be so in the graph. TensorRT 10 can do that too, so both are
given the same graph.
"""

from __future__ import annotations

from collections.abc import Mapping

from mtl_perception.backends import NetworkError
from mtl_perception.backends.signature import check_signature

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    raise NetworkError(f"building an engine needs the onnx package ({error}): pip install onnx") from error

from mtl_perception.backends.half_precision import in_half_precision
from mtl_perception.backends.tensorrt_quantisation import settle_quantisation


def read_graph(model: bytes) -> onnx.ModelProto:
    """The file's graph, whose inputs and outputs are those of a network file.

    Raises:
        NetworkError: it is damaged, or no network file.
    """
    try:
        graph = onnx.load_model_from_string(model)
    except Exception as error:  # of protobuf's own kinds, which differ with its version
        raise NetworkError(f"it is damaged or no ONNX file ({error})") from error
    initial = {value.name for value in graph.graph.initializer}
    check_signature(
        _signature(value for value in graph.graph.input if value.name not in initial), _signature(graph.graph.output)
    )
    return graph


def metadata_of(model: onnx.ModelProto) -> dict[str, str]:
    """What the file says of itself."""
    return {entry.key: entry.value for entry in model.metadata_props}


def graph_for_tensorrt(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """The same network with bytes at its edges only, in ``precision``; its inputs, outputs and answers stay.

    Args:
        model: of ``read_graph``; it is changed.
        precision: ``fp32`` leaves the arithmetic as it is in the file; ``fp16`` makes it half precision up to the last
            convolutions. What is quantised stays so.

    Raises:
        NetworkError: it cannot be put into that precision, or is quantised as TensorRT does not take it.
    """
    settle_quantisation(model.graph)
    _bytes_at_edges(model.graph)
    return in_half_precision(model) if precision == "fp16" else model


def _signature(values) -> Mapping[str, tuple[str, list[object]]]:
    signature = {}
    for value in values:
        tensor = value.type.tensor_type
        sizes = [d.dim_value if d.HasField("dim_value") else d.dim_param for d in tensor.shape.dim]
        kind = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name if tensor.elem_type else "no tensor"
        signature[value.name] = (kind, sizes)
    return signature


def _bytes_at_edges(graph: onnx.GraphProto) -> None:
    """Have every byte inside a float, which holds each of its values exactly.

    What becomes a byte is whole before, as in every exported file: no float is rounded down here as a byte would be.
    """
    converted = {value.name for value in graph.initializer}
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.UINT8:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype("float32"), tensor.name))
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.UINT8:
                attribute.i = TensorProto.FLOAT
            if attribute.type == onnx.AttributeProto.TENSOR and attribute.t.data_type == TensorProto.UINT8:
                attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype("float32")))
    first, last = [], []
    for value in graph.input:
        if value.type.tensor_type.elem_type == TensorProto.UINT8 and value.name not in converted:
            inside = f"{value.name}/float"
            _rename(graph, value.name, inside, inputs=True)
            first.append(helper.make_node("Cast", [value.name], [inside], inside, to=TensorProto.FLOAT))
    for value in graph.output:
        if value.type.tensor_type.elem_type == TensorProto.UINT8:
            inside = f"{value.name}/float"
            _rename(graph, value.name, inside, inputs=True)
            _rename(graph, value.name, inside, inputs=False)
            last.append(helper.make_node("Cast", [inside], [value.name], f"{value.name}/byte", to=TensorProto.UINT8))
    nodes = [*first, *graph.node, *last]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)


def _rename(graph: onnx.GraphProto, old: str, new: str, *, inputs: bool) -> None:
    for node in graph.node:
        names = node.input if inputs else node.output
        names[:] = [new if name == old else name for name in names]
