"""What a network may look at: the picture, and a teacher also at the labels of a task (Erkent 2026, figure 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from training.datasets.derived.sources import EDGES, NORMALS, OFFSETS
from training.datasets.sample import IGNORE
from training.errors import ConfigurationError
from training.models.tasks import DEPTH, SEMANTIC, TYPICAL_INDOOR_DEPTH

RGB = "rgb"
RGBD = "rgbd"


@dataclass(frozen=True)
class Modality:
    """One input of a network.

    Attributes:
        name: a key of ``MODALITIES``.
        channels: of the tensor that ``encode`` gives.
        colours: how many of them, from the first, are RGB in 0..1, to be normalised as the backbone's weights expect.
        label: the label of the data set it is made from, or None.
    """

    name: str
    channels: int
    colours: int = 0
    label: str | None = None

    def encode(self, batch: Mapping[str, Tensor]) -> Tensor:
        """(B, ``channels``, H, W) of a batch (``training.datasets.sample``); a batch without the label is all holes."""
        return _ENCODERS[self.name](batch, self.channels)


def modalities(names: Sequence[str], classes: int) -> tuple[Modality, ...]:
    """The modalities of those names, for data of ``classes`` classes.

    Raises:
        ConfigurationError: an unknown name, none, or one twice.
    """
    known = {
        RGB: Modality(RGB, 3, 3),
        DEPTH: Modality(DEPTH, 2, label=DEPTH),
        SEMANTIC: Modality(SEMANTIC, classes, label=SEMANTIC),
        RGBD: Modality(RGBD, 5, 3, DEPTH),
        NORMALS: Modality(NORMALS, 3, label=NORMALS),
        EDGES: Modality(EDGES, 2, label=EDGES),
        OFFSETS: Modality(OFFSETS, 3, label=OFFSETS),
    }
    unknown = [name for name in names if name not in known]
    if unknown or not names or len(set(names)) != len(names):
        raise ConfigurationError(f"inputs {list(names)}: one or more of {', '.join(known)}, each once")
    return tuple(known[name] for name in names)


def encode(batch: Mapping[str, Tensor], inputs: Sequence[Modality]) -> Tensor | dict[str, Tensor]:
    """What the network of these inputs takes: a tensor for one modality, else one by name."""
    encoded = {m.name: m.encode(batch).contiguous(memory_format=torch.channels_last) for m in inputs}
    return encoded if len(inputs) > 1 else encoded[inputs[0].name]


def _rgb(batch: Mapping[str, Tensor], channels: int) -> Tensor:
    return batch["image"]


def _depth(batch: Mapping[str, Tensor], channels: int) -> Tensor:
    """Log of depth over a typical depth, and where it is known; both 0 in holes."""
    image = batch["image"]
    depth = batch.get(DEPTH, image.new_zeros(len(image), *image.shape[-2:]))
    known = depth > 0
    log = torch.log(depth.where(known, TYPICAL_INDOOR_DEPTH) / TYPICAL_INDOOR_DEPTH)
    return torch.stack([log, known.to(log)], 1)


def _semantic(batch: Mapping[str, Tensor], channels: int) -> Tensor:
    """One channel a class, 1 where it is; all 0 where nothing is labelled."""
    if SEMANTIC not in batch:
        return _nothing(batch, channels)
    semantic = batch[SEMANTIC]
    ids = semantic.where(semantic != IGNORE, 0)
    return F.one_hot(ids, channels + 1)[..., 1:].permute(0, 3, 1, 2).to(batch["image"])


def _rgbd(batch: Mapping[str, Tensor], channels: int) -> Tensor:
    return torch.cat([_rgb(batch, 3), _depth(batch, 2)], 1)


def _normals(batch: Mapping[str, Tensor], channels: int) -> Tensor:
    """The unit vectors; all 0 in holes."""
    return batch[NORMALS] if NORMALS in batch else _nothing(batch, channels)


def _edges(batch: Mapping[str, Tensor], channels: int) -> Tensor:
    """The probability of an edge, and where it is known; both 0 where it is not."""
    if EDGES not in batch:
        return _nothing(batch, channels)
    known = batch[EDGES] >= 0
    return torch.stack([batch[EDGES].where(known, 0), known.to(batch[EDGES])], 1)


def _offsets(batch: Mapping[str, Tensor], channels: int) -> Tensor:
    """The vectors, and where there is an object; all 0 where there is none."""
    if OFFSETS not in batch:
        return _nothing(batch, channels)
    known = batch[OFFSETS].isfinite().all(1, keepdim=True)
    return torch.cat([batch[OFFSETS].where(known, 0), known.to(batch[OFFSETS])], 1)


def _nothing(batch: Mapping[str, Tensor], channels: int) -> Tensor:
    image = batch["image"]
    return image.new_zeros(len(image), channels, *image.shape[-2:])


_ENCODERS: dict[str, Callable[[Mapping[str, Tensor], int], Tensor]] = {
    RGB: _rgb,
    DEPTH: _depth,
    SEMANTIC: _semantic,
    RGBD: _rgbd,
    NORMALS: _normals,
    EDGES: _edges,
    OFFSETS: _offsets,
}
