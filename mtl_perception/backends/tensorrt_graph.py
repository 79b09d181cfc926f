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
    import onnx.compose
    import onnx.utils
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    raise NetworkError(f"building an engine needs the onnx package ({error}): pip install onnx") from error

_QUANTISED = ("QuantizeLinear", "DequantizeLinear")
_CONVOLUTIONS = ("Conv", "ConvTranspose")
_HALF_OPSET = 19
"""Of ONNX, in which QuantizeLinear and its inverse take half precision first."""


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


def is_quantised(model: onnx.ModelProto) -> bool:
    """Whether the file carries 8-bit quantisation."""
    return any(node.op_type in _QUANTISED for node in model.graph.node)


def graph_for_tensorrt(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """The same network with bytes at its edges only, in ``precision``; its inputs, outputs and answers stay.

    Args:
        model: of ``read_graph``; it is changed.
        precision: ``fp32`` leaves the arithmetic as it is in the file; ``fp16`` makes it half precision but for what
            follows the last convolutions: resizing of depth and scores, softmax, argmax.

    Raises:
        NetworkError: it cannot be put into that precision.
    """
    _bytes_at_edges(model.graph)
    return _in_half(model) if precision == "fp16" else model


def _signature(values) -> Mapping[str, tuple[str, list[object]]]:
    signature = {}
    for value in values:
        tensor = value.type.tensor_type
        sizes = [d.dim_value if d.HasField("dim_value") else d.dim_param for d in tensor.shape.dim]
        kind = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name if tensor.elem_type else "no tensor"
        signature[value.name] = (kind, sizes)
    return signature


def _bytes_at_edges(graph: onnx.GraphProto) -> None:
    """Have every byte inside a float, which holds each of its values exactly."""
    converted = {value.name for value in graph.initializer}
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.UINT8 and not _feeds_quantisation(graph, tensor.name):
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


def _feeds_quantisation(graph: onnx.GraphProto, name: str) -> bool:
    return any(node.op_type in _QUANTISED and name in node.input for node in graph.node)


def _rename(graph: onnx.GraphProto, old: str, new: str, *, inputs: bool) -> None:
    for node in graph.node:
        names = node.input if inputs else node.output
        names[:] = [new if name == old else name for name in names]


def _in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
        from onnxruntime.transformers.onnx_model import OnnxModel
    except ImportError as error:
        raise NetworkError(f"fp16 needs the onnxruntime package ({error}): pip install onnxruntime") from error
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if is_quantised(model) and opset < _HALF_OPSET:
        raise NetworkError(
            f"a quantised file of ONNX opset {opset} has no half precision, which came with {_HALF_OPSET}: use fp32"
        )
    boundary = _last_of_body(model.graph)
    if not boundary:
        return model
    try:
        parts = onnx.utils.Extractor(onnx.shape_inference.infer_shapes(model))
        body = parts.extract_model([value.name for value in model.graph.input], boundary)
        tail = parts.extract_model(boundary, [value.name for value in model.graph.output])
        tail = onnx.compose.add_prefix(
            tail, "float/", rename_edges=False, rename_inputs=False, rename_outputs=False, rename_value_infos=False
        )
        body = convert_float_to_float16(body, keep_io_types=True, op_block_list=[])
        OnnxModel(body).topological_sort()  # the converter's casts come anywhere
        del body.graph.value_info[:], tail.graph.value_info[:]
        body.ir_version = tail.ir_version = model.ir_version
        whole = onnx.compose.merge_models(body, tail, [(name, name) for name in boundary])
        del whole.opset_import[:]  # which has each twice
        whole.opset_import.extend(model.opset_import)
        return whole
    except Exception as error:  # the libraries raise what they come by
        raise NetworkError(f"it cannot be put into half precision ({error})") from error


def _last_of_body(graph: onnx.GraphProto) -> list[str]:
    """The tensors from which no convolution is reached any more, of nodes that themselves lead to one, or are one."""
    leads_to_convolution: set[str] = set()
    body, after = [], set()
    for node in reversed(graph.node):
        if node.op_type in _CONVOLUTIONS or not leads_to_convolution.isdisjoint(node.output):
            leads_to_convolution.update(node.input)
            body.append(node)
        else:
            after.update(node.input)
    after.update(value.name for value in graph.output)
    return [name for node in reversed(body) for name in node.output if name in after]
