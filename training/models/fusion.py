"""Feature fusion: several modalities, one backbone each, added at every scale (Erkent 2026, figure 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from training.models.backbone import Backbone
from training.models.modalities import Modality


class FeatureFusion(nn.Module):
    """FFM: the features of all modalities summed at strides 4, 8, 16 and 32.

    The paper leaves open where along the network they are added; here it is where the backbones end, so
    that everything after them is the student's network unchanged.

    Args:
        backbones: by modality; all of one architecture, so that their channels agree.

    Attributes:
        channels: channels of the four maps, finest first.
    """

    def __init__(self, backbones: Mapping[str, Backbone]) -> None:
        super().__init__()
        self.backbones = nn.ModuleDict(backbones)
        self.channels = next(iter(backbones.values())).channels

    def forward(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """By modality (B, its channels, H, W), to (B, ``channels[i]``, H / s, W / s) for s = 4, 8, 16, 32."""
        features = [backbone(inputs[name]) for name, backbone in self.backbones.items()]
        return [sum(scales[1:], start=scales[0]) for scales in zip(*features, strict=True)]


def build_backbone(name: str, pretrained: str, inputs: Sequence[Modality]) -> Backbone | FeatureFusion:
    """The backbone of a network that takes ``inputs``: fused when they are several.

    Every modality's backbone starts from the same weights; where a modality's channels are no colours, those of
    red, green and blue take turns in its first layer (``timm.models.adapt_input_conv``).

    Raises:
        ConfigurationError: see ``Backbone``.
    """
    if len(inputs) == 1:
        return Backbone(name, pretrained, inputs[0].channels, inputs[0].colours)
    return FeatureFusion({m.name: Backbone(name, pretrained, m.channels, m.colours) for m in inputs})
