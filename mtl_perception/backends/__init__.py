"""What runs a network file. Each backend is one file with the same few members."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

import numpy as np

# Else ONNX Runtime keeps a record of its use in the home folder, and sends it to its makers. It looks at its start.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


class NetworkError(RuntimeError):
    """A network file cannot be opened or run; the message says why and what to do."""


class DeviceLostError(NetworkError):
    """The device that ran a network is gone, or does nothing more for this process; others may."""


class Backend(Protocol):
    """A network file opened by one inference library."""

    input_shape: tuple[int, int]
    """Height and width of the input ``image``, pixels."""

    metadata: Mapping[str, str]
    """The file's own metadata."""

    device: str
    """What runs it, for people to read."""

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run on ``image`` (1, H, W, 3) uint8 RGB.

        Returns:
            ``depth`` (1, H, W) float32, ``segmentation`` (1, H, W) uint8 and ``confidence``
            (1, H, W) uint8, as the network file defines them. The arrays are the caller's to change.
        """
        ...
