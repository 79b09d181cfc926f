"""What every reader gives: a frame and whichever labels it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import torch
from torch import Tensor

IGNORE = 255
"""Semantic value of a pixel nobody labelled."""

SOFT_SEMANTIC = "soft_semantic"

UNKNOWN_EDGE_PROBABILITY = -1.0
"""Probability of an edge where nobody knows."""

_FILL = {
    "depth": 0.0,
    "semantic": IGNORE,
    SOFT_SEMANTIC: 0.0,
    "normals": 0.0,
    "edges": UNKNOWN_EDGE_PROBABILITY,
    "offsets": float("nan"),
}


class Sample(TypedDict, total=False):
    """One frame; a task that has no label for it has no key. H and W are the working size.

    Attributes:
        image: (3, H, W) float32 RGB in 0..1, not normalised.
        depth: (H, W) float32 metres at the canonical focal length, 0 = unknown.
        semantic: (H, W) int64 class ids 1..N as on disk, ``IGNORE`` = 255 where unlabelled.
        soft_semantic: (N, H / 4, W / 4) float32, a teacher's probabilities of the classes 1..N; all 0 where it
            says nothing.
        normals: (3, H, W) float32, unit normals in the axes of the canonical camera (``canonical_camera``), facing it;
            all 0 where unknown.
        edges: (H, W) float32, probability of a boundary between classes, 0 or 1 where it is a true label;
            ``UNKNOWN_EDGE_PROBABILITY`` = -1 where unknown.
        offsets: (2, H, W) float32, from the pixel to the centre of its object, right and down, in widths of the
            working size; NaN where there is no object.
    """

    image: Tensor
    depth: Tensor
    semantic: Tensor
    soft_semantic: Tensor
    normals: Tensor
    edges: Tensor
    offsets: Tensor


def collate(samples: Sequence[Sample]) -> dict[str, Tensor]:
    """Stack samples into a batch.

    A label that only some of the frames have is filled with "unknown" for the others; one that none
    has stays without a key.
    """
    batch = {"image": torch.stack([sample["image"] for sample in samples])}
    for key, fill in _FILL.items():
        present = [sample[key] for sample in samples if key in sample]
        if present:
            empty = torch.full_like(present[0], fill)
            batch[key] = torch.stack([sample.get(key, empty) for sample in samples])
    return batch
