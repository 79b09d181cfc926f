"""Fit a frame of any size into a network's input without squashing it, and undo that exactly."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

PAD = (124, 116, 104)
"""RGB of what is beside a frame: the mean colour of natural images, no edge for the network to see."""


@dataclass(frozen=True)
class Letterbox:
    """Where a frame lies in the network's input: scaled by one factor, centred, padded.

    Args:
        frame: height and width of the frame, pixels.
        network: height and width of the network's input, pixels.
    """

    frame: tuple[int, int]
    network: tuple[int, int]

    @property
    def scale(self) -> float:
        """Network pixels per frame pixel."""
        return min(self.network[0] / self.frame[0], self.network[1] / self.frame[1])

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width of the frame inside the network's input, pixels."""
        height, width = (max(1, round(side * self.scale)) for side in self.frame)
        return height, width

    @property
    def _window(self) -> tuple[slice, slice]:
        top, left = ((outer - inner) // 2 for outer, inner in zip(self.network, self.inner, strict=True))
        return slice(top, top + self.inner[0]), slice(left, left + self.inner[1])

    def to_network(self, rgb: np.ndarray) -> np.ndarray:
        """The network's input, (1, H, W, 3) uint8, for ``rgb`` (H', W', 3) uint8; no copy where sizes agree."""
        if self.frame == self.network:
            return np.ascontiguousarray(rgb)[None]
        # Averaging is what keeps fine texture from aliasing when the frame shrinks.
        method = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        resized = cv2.resize(rgb, self.inner[::-1], interpolation=method)
        if self.inner == self.network:
            return resized[None]
        canvas = np.empty((1, *self.network, 3), np.uint8)
        canvas[:] = PAD
        canvas[0][self._window] = resized
        return canvas

    def crop(self, output: np.ndarray) -> np.ndarray:
        """The frame's part of a network output (1, H, W), at the network's resolution; a view."""
        return output[0][self._window]

    def to_frame(self, output: np.ndarray, interpolation: int) -> np.ndarray:
        """The frame's part of a network output (1, H, W), at the frame's own size."""
        inner = self.crop(output)
        if inner.shape == self.frame:
            return inner
        return cv2.resize(inner, self.frame[::-1], interpolation=interpolation)
