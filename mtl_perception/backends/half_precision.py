"""An ONNX graph in half precision where that does no harm: up to the last convolutions."""

from __future__ import annotations

import onnx
import onnx.compose
import onnx.utils

from mtl_perception.backends import NetworkError
from mtl_perception.backends.tensorrt_quantisation import is_quantised

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_HALF_OPSET = 19
"""Of ONNX, in which QuantizeLinear and its inverse take half precision first."""


def in_half_precision(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with its body in half precision and, as they are, its inputs, its outputs and what makes them.

    What follows the last convolutions is resizing of depth and scores, softmax and argmax: little work, and the place
    where the steps of half precision would be seen.

    Raises:
        NetworkError: it cannot be put into half precision.
    """
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
