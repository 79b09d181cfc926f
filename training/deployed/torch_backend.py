"""Run a checkpoint where the robot runs an exported file: same frames in, same metres and classes out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from training.deployed.deployed_network import DeployedNetwork


class TorchBackend:
    """A ``mtl_perception.backends.Backend`` of the network before its export."""

    metadata: Mapping[str, str] = {}
    device = f"torch {torch.__version__}, CPU"

    def __init__(self, deployed: DeployedNetwork) -> None:
        self.deployed = deployed.eval()
        self.input_shape = deployed.size

    @torch.inference_mode()
    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run on one image; see ``Backend.run``."""
        depth, segmentation, confidence = self.deployed(torch.from_numpy(image))
        return depth.numpy(), segmentation.numpy(), confidence.numpy()
