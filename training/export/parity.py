"""Whether an exported network is the one that was trained: the two side by side on real frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtl_perception.backends.onnxruntime import OnnxRuntimeBackend
from mtl_perception.letterbox import Letterbox
from training.datasets.source import Source
from training.deployed.deployed_network import DeployedNetwork
from training.deployed.torch_backend import TorchBackend
from training.errors import ConfigurationError

PARITY_FRAMES = 16
LARGEST_DEPTH_ERROR = 1e-3
"""Relative, of any pixel."""
LEAST_AGREEMENT = 0.999
"""Share of pixels of one class, and share of pixels whose confidence is within one step of 255."""


@dataclass(frozen=True)
class Parity:
    """How far an exported network is from torch on real frames.

    Attributes:
        frames: how many were compared.
        depth: largest relative difference of depth.
        classes: share of pixels of the same class.
        confidence: share of pixels whose confidence differs by at most 1 of 255.
    """

    frames: int
    depth: float
    classes: float
    confidence: float

    def __str__(self) -> str:
        return (
            f"parity with torch on {self.frames} frames: depth within {self.depth:.1e}, "
            f"same class for {self.classes:.4%} of the pixels, same confidence for {self.confidence:.4%}"
        )

    def check(self) -> None:
        """Raise ``ConfigurationError`` where the two differ by more than rounding."""
        # So put that what is no number is refused, too.
        if not (self.depth <= LARGEST_DEPTH_ERROR and min(self.classes, self.confidence) >= LEAST_AGREEMENT):
            raise ConfigurationError(f"the export is refused, it is not the same network: {self}")


def parity(deployed: DeployedNetwork, exported: bytes, source: Source) -> Parity:
    """Compare the two on frames spread over ``source``."""
    theirs, ours = TorchBackend(deployed), OnnxRuntimeBackend(exported)
    depth, classes, confidence = [], [], []
    for name in source.spread(PARITY_FRAMES).names:
        rgb = source.folder.read_rgb(name)
        image = Letterbox(rgb.shape[:2], deployed.size).to_network(rgb)
        a, b = theirs.run(image), ours.run(image)
        depth.append(float((np.abs(a[0] - b[0]) / a[0]).max()))
        classes.append(float((a[1] == b[1]).mean()))
        confidence.append(float((np.abs(a[2].astype(int) - b[2]) <= 1).mean()))
    return Parity(len(depth), float(np.max(depth)), float(np.mean(classes)), float(np.mean(confidence)))
