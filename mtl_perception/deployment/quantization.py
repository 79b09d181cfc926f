"""Post-training quantisation: a network file whose convolutions compute in 8-bit integers, another network file.

Every quantised tensor is written as a pair QuantizeLinear, DequantizeLinear (QDQ), which all libraries read. Ranges of
activations are the least and greatest values on the calibration frames; weights have one scale a channel.

What stays in float, and why, as measured (docs/results/quantization.md): what resizes, which is slower in integers;
everything after the scores; and the first convolutions up to the second that mixes channels, whose few weights cost
most of the accuracy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from mtl_perception.backends.signature import INPUT
from mtl_perception.deployment.errors import DeploymentError
from mtl_perception.letterbox import Letterbox
from mtl_perception.model_card import METADATA_KEY, ModelCard, ModelCardError

try:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata
except ImportError as error:
    raise DeploymentError(
        f"quantising needs the onnx package ({error}): pip install onnx, or, in a checkout, '.[quantize]'"
    ) from error

from mtl_perception.backends.tensorrt_graph import metadata_of, read_graph
from mtl_perception.backends.tensorrt_quantisation import is_quantised

CPU, TENSORRT = "cpu", "tensorrt"
TARGETS = (CPU, TENSORRT)
FEWEST_FRAMES = 10
"""Fewer do not show what values a network's tensors take."""


def quantize(model: bytes, frames: Iterable[np.ndarray], target: str) -> bytes:
    """Quantise a network file to 8-bit integers.

    Args:
        model: the bytes of the file.
        frames: to calibrate on, (H, W, 3) uint8 RGB of any sizes; read one by one. Not those it is measured on.
        target: ``cpu``: unsigned activations, and weights of 7 bits, as sums of two products of 8 bits overflow on
            processors without VNNI (depthwise ones do not, and have 8); what lies between convolutions is quantised
            too. ``tensorrt``: signed around 0, of 8 bits.

    Returns:
        The bytes of a file with the same inputs, outputs and card, whose name and architecture say that it is
        quantised, and which has no evaluations, since those were of another network.

    Raises:
        DeploymentError: it is quantised already, has no convolution, or the library cannot; there are too few frames.
        NetworkError: it is no network file.
    """
    network = read_graph(model)
    card = _card(network)
    if is_quantised(network):
        raise DeploymentError("it is quantised already: quantise the float network that it was made of")
    convolutions = _named_convolutions(network.graph)
    if not convolutions:
        raise DeploymentError("it has no convolution, and nothing else is quantised")
    reader = _Frames(_enough(frames), (card.input_height, card.input_width))
    network.metadata_props.clear()
    add_pre_process_metadata(network)  # or it would warn that its own fusing was not done, which changes nothing here
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "quantised.onnx"
        try:
            quantize_static(network, path, reader, **_settings(network.graph, convolutions, target))
        except DeploymentError:  # of the frames
            raise
        except Exception as error:  # of the library, which raises many kinds
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise DeploymentError(f"ONNX Runtime cannot quantise it: {reason}") from error
        quantised = onnx.load(path)
    return _with_card(quantised, _card_of_quantised(card, target, reader.count))


def _settings(graph: onnx.GraphProto, convolutions: list[onnx.NodeProto], target: str) -> dict[str, Any]:
    """Arguments of ``quantize_static``."""
    in_float = _first_convolutions(convolutions, graph)
    settings = {
        "quant_format": QuantFormat.QDQ,
        "per_channel": True,
        "weight_type": QuantType.QInt8,
        "nodes_to_exclude": [node.name for node in in_float],
    }
    # What follows a convolution, and what is quantised next, share one rounding.
    extra = {"OpTypesToExcludeOutputQuantization": ["Conv"]}
    if target == TENSORRT:
        return settings | {
            "op_types_to_quantize": ["Conv"],
            "activation_type": QuantType.QInt8,
            "extra_options": {**extra, "ActivationSymmetric": True, "QuantizeBias": False},
        }
    eight_bits = [{"quant_type": QuantType.QInt8, "axis": 0, "reduce_range": False}]
    weights = {node.input[1]: eight_bits for node in convolutions if _is_depthwise(node) and node not in in_float}
    return settings | {
        "op_types_to_quantize": ["Conv", "Add", "Clip", "Concat", "Relu", "Resize", "Split"],
        "activation_type": QuantType.QUInt8,
        "reduce_range": True,
        "extra_options": {**extra, "TensorQuantOverrides": weights},
    }


def _named_convolutions(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The convolutions in the graph's order, after every nameless node was given a name to tell it by."""
    for number, node in enumerate(graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    return [node for node in graph.node if node.op_type == "Conv"]


def _first_convolutions(convolutions: list[onnx.NodeProto], graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """All before the second that mixes channels: what makes the picture smaller, the stem, a depthwise one after it."""
    one_channel = {weight.name for weight in graph.initializer if len(weight.dims) > 1 and weight.dims[1] == 1}
    mixing = [i for i, node in enumerate(convolutions) if node.input[1] not in one_channel]
    return convolutions[: mixing[1]] if len(mixing) > 1 else convolutions


def _is_depthwise(node: onnx.NodeProto) -> bool:
    return any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)


class _Frames(CalibrationDataReader):
    """Frames as the network sees them; counts them."""

    def __init__(self, frames: Iterator[np.ndarray], size: tuple[int, int]) -> None:
        self._frames = frames
        self._size = size
        self.count = 0

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next frame, as the library asks for it; None at the end."""
        rgb = next(self._frames, None)
        if rgb is None:
            return None
        self.count += 1
        return {INPUT: Letterbox((rgb.shape[0], rgb.shape[1]), self._size).to_network(rgb)}


def _enough(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    frames = iter(frames)
    first = list(islice(frames, FEWEST_FRAMES))
    if len(first) < FEWEST_FRAMES:
        raise DeploymentError(f"{len(first)} frames are too few to calibrate on, {FEWEST_FRAMES} at the least")
    return chain(first, frames)


def _card(network: onnx.ModelProto) -> ModelCard:
    text = metadata_of(network).get(METADATA_KEY)
    if text is None:
        raise DeploymentError("it has no card: make the file with `python -m training export`")
    try:
        return ModelCard.from_json(text)
    except ModelCardError as error:
        raise DeploymentError(str(error)) from error


def _card_of_quantised(card: ModelCard, target: str, frames: int) -> ModelCard:
    where = {CPU: "CPUs", TENSORRT: "TensorRT"}[target]
    architecture = f"{card.architecture}, in 8-bit integers for {where}, calibrated on {frames} frames"
    return replace(card, name=f"{card.name}_int8", architecture=architecture, evaluations=())


def _with_card(network: onnx.ModelProto, card: ModelCard) -> bytes:
    del network.metadata_props[:]
    network.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    # The library names every set of operations it knows, and some readers refuse those they do not.
    used = {node.domain for node in network.graph.node}
    kept = [entry for entry in network.opset_import if entry.domain in used]
    del network.opset_import[:]
    network.opset_import.extend(kept)
    onnx.checker.check_model(network)
    return network.SerializeToString()
