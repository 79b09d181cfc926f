"""A trained network of any inputs on frames of a data set: the maps it gives, at the frames' own size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from training.checkpoint import TrainedNetwork
from training.datasets.augmentation import View
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.derived.sources import DERIVED_FROM, EDGES, NORMALS, OFFSETS
from training.datasets.folder import FolderDataset
from training.datasets.label_choice import LabelChoice
from training.datasets.placement import Placement, place
from training.datasets.sample import Sample, collate
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.models.backbone import STRIDES
from training.models.blocks import nearest_to, resize_to
from training.models.modalities import encode
from training.models.tasks import DEPTH, SEMANTIC


@dataclass(frozen=True)
class FrameMaps:
    """What a network says of a batch of B frames; None where it has no such task.

    Attributes:
        depth: (B, H, W) float32 canonical metres.
        semantic: (B, H, W) uint8 ids 1..N.
        confidence: (B, H, W) uint8, 255 times the softmax of that class.
        probabilities: (B, N, h, w) float32 at a quarter of the frame's size in the picture that the network sees.
        normals: (B, 3, H, W) float32 unit normals in the canonical camera's axes.
        edges: (B, H, W) float32 probability of an edge.
        offsets: (B, 2, H, W) float32 pixels of the map to the object's centre.
    """

    depth: Tensor | None = None
    semantic: Tensor | None = None
    confidence: Tensor | None = None
    probabilities: Tensor | None = None
    normals: Tensor | None = None
    edges: Tensor | None = None
    offsets: Tensor | None = None


def predict_maps(trained: TrainedNetwork, batch: Mapping[str, Tensor], size: tuple[int, int]) -> FrameMaps:
    """Run the network on a batch of unaugmented samples; maps of ``size`` (H, W), the scores upsampled bilinearly."""
    placed = place(size, tuple(batch["image"].shape[-2:]))
    return maps_of(trained.network(encode(batch, trained.inputs))["final"], placed)


def maps_of(final: Mapping[str, Tensor], placed: Placement) -> FrameMaps:
    """Maps of a frame's size of what a network gave of the picture that the frame is placed in (``DenseOutput``)."""
    final = {task: values.float() for task, values in final.items()}  # A mixed precision gives bfloat16.
    size = placed.frame
    maps = FrameMaps(
        depth=of_frame(final[DEPTH], placed, size)[:, 0] if DEPTH in final else None,
        normals=F.normalize(of_frame(final[NORMALS], placed, size), dim=1) if NORMALS in final else None,
        edges=of_frame(final[EDGES], placed, size)[:, 0].sigmoid() if EDGES in final else None,
        offsets=of_frame(final[OFFSETS], placed, size) * in_pixels(final[OFFSETS], placed)
        if OFFSETS in final
        else None,
    )
    if SEMANTIC not in final:
        return maps
    scores = of_frame(final[SEMANTIC], placed, size)
    best, index = scores.max(1)
    # The softmax of the highest score, without the softmax of the others.
    confidence = (255 * torch.exp(best - scores.logsumexp(1))).round().to(torch.uint8)
    return replace(
        maps,
        semantic=(index + 1).to(torch.uint8),
        confidence=confidence,
        probabilities=without_bands(final[SEMANTIC].softmax(1), placed),
    )


def of_frame(maps: Tensor, placed: Placement, size: tuple[int, int]) -> Tensor:
    """The frame's part of (B, C, h, w) maps of a picture, bilinearly brought to ``size``."""
    return resize_to(maps, size) if placed.fills else placed.cut_out(maps, size)


def without_bands(maps: Tensor, placed: Placement) -> Tensor:
    """The frame's part of (B, C, h, w) maps of a picture, as fine as they are."""
    if placed.fills:
        return maps
    inner, whole, had = (placed.height, placed.width), placed.picture, maps.shape[-2:]
    return placed.cut_out(maps, tuple(max(1, round(h * i / w)) for h, i, w in zip(had, inner, whole, strict=True)))


def in_pixels(like: Tensor, placed: Placement) -> Tensor:
    """What offsets, in widths of the picture, are multiplied by to be in pixels of the frame: (1, 2, 1, 1)."""
    (height, width), wide = placed.frame, placed.picture[1]
    return like.new_tensor([width * wide / placed.width, height * wide / placed.height]).view(1, 2, 1, 1)


def predict_classes_averaged(
    networks: Sequence[TrainedNetwork], batch: Mapping[str, Tensor], size: tuple[int, int], scales: Sequence[float]
) -> FrameMaps:
    """Classes alone, the mean of the softmax over networks and over views of the batch; maps of ``size``.

    What is enlarged is the picture at the working size. Depth looked at shrinks as it grows, and normals turn to the
    camera: a zoom is a longer lens.

    Args:
        networks: of one working size, focal length and set of classes.
        batch: unaugmented samples.
        size: (H, W) of ``semantic`` and ``confidence``.
        scales: sizes of the views, each also mirrored, rounded to what the networks take; 1 is the working size. Empty:
            the batch as it is.
    """

    def softmax(view: Mapping[str, Tensor]) -> Tensor:
        scores = [trained.network(encode(view, trained.inputs))["final"][SEMANTIC] for trained in networks]
        return torch.stack([values.float().softmax(1) for values in scores]).mean(0)

    height, width = batch["image"].shape[-2:]
    quarter = (height // STRIDES[0], width // STRIDES[0])
    pairs = [softmax(view) + softmax(mirrored(view)).flip(-1) for view in (enlarged(batch, s) for s in scales)]
    probabilities = torch.stack([resize_to(pair, quarter) for pair in pairs]).mean(0) / 2 if pairs else softmax(batch)
    placed = place(size, (height, width))
    best, index = of_frame(probabilities, placed, size).max(1)
    confidence = (255 * best).round().to(torch.uint8)
    return FrameMaps(None, (index + 1).to(torch.uint8), confidence, without_bands(probabilities, placed))


def enlarged(batch: Mapping[str, Tensor], scale: float) -> dict[str, Tensor]:
    """The batch ``scale`` times as large, to the nearest size that a network takes; labels by nearest neighbour."""
    multiple = STRIDES[-1]
    height, width = (max(multiple, round(length * scale / multiple) * multiple) for length in batch["image"].shape[-2:])
    size, longer = (height, width), width / batch["image"].shape[-1]
    larger = {key: resize_to(v, size) if key == "image" else nearest_to(v, size) for key, v in batch.items()}
    if DEPTH in larger:
        larger[DEPTH] = larger[DEPTH] / longer
    if NORMALS in larger:  # By the same that divides depth; zeros stay zeros.
        larger[NORMALS] = F.normalize(larger[NORMALS] * larger[NORMALS].new_tensor([1, 1, longer]).view(1, 3, 1, 1))
    return larger


def mirrored(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The batch as seen in a mirror."""
    return {key: mirrored_map(key, value) for key, value in batch.items()}


def mirrored_map(name: str, value: Tensor) -> Tensor:
    """One map of a batch as seen in a mirror: what points sideways, normals and offsets (B, C, H, W), turns round."""
    flipped = value.flip(-1)
    if name in (NORMALS, OFFSETS):
        flipped[:, 0].neg_()
    return flipped


class NamedFrames(Dataset[tuple[str, Sample]]):
    """The frames of a source as a trained network wants them, with their names; decoded at each use.

    Args:
        trained: its working size and focal length are the samples'.
        source: the frames.
        choice: which labels the network may see, if labels are among its inputs.
    """

    def __init__(self, trained: TrainedNetwork, source: Source, choice: LabelChoice) -> None:
        self.camera = CanonicalCamera(trained.height, trained.width, trained.focal_length)
        looked_at = tuple(m.label for m in trained.inputs if m.label in DERIVED_FROM)
        choice = replace(choice, derived=looked_at)
        self.samples = FolderDataset(
            source.folder, source.names, self.camera, augment=False, choice=choice, in_memory=False
        )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[str, Sample]:
        return self.samples.names[index], self.samples[index]

    def depth_factor(self) -> float:
        """What true depth is multiplied by to be canonical; 1 without intrinsics."""
        info = self.samples.folder.info
        return self.camera.depth_factor(info.intrinsics.fx, info.height, info.width) if info.intrinsics else 1.0

    def true_map(self, task: str, maps: FrameMaps, index: int) -> np.ndarray:
        """A frame's prediction in the folder's own terms, as ``training.metrics`` take it.

        Args:
            task: the task.
            maps: of a batch, of the frames' own size.
            index: of the frame in the batch.

        Returns:
            ``depth`` (H, W) true metres, ``semantic`` (H, W) ids, ``normals`` (H, W, 3) in the camera's axes, ``edges``
            (H, W) probability, ``offsets`` (H, W, 2) pixels.
        """
        found = getattr(maps, task)[index].float() if task != SEMANTIC else maps.semantic[index]
        array = found.cpu().numpy()
        if task == DEPTH:
            return array / self.depth_factor()
        if task in (NORMALS, OFFSETS):
            array = array.transpose(1, 2, 0)
        return self.true_normals(array) if task == NORMALS else array

    def true_normals(self, normals: np.ndarray) -> np.ndarray:
        """(H, W, 3) unit normals of the canonical camera in the axes of the folder's own."""
        info = self.samples.folder.info
        if info.intrinsics is None:
            raise ConfigurationError(f"{self.samples.folder.root} has no intrinsics: its normals cannot be told")
        return self.camera.true_normals(normals, info.intrinsics, View(0, 0, info.width, info.height))


def collate_named(frames: Sequence[tuple[str, Sample]]) -> tuple[list[str], dict[str, Tensor]]:
    """Names and a batch."""
    return [name for name, _ in frames], collate([sample for _, sample in frames])
