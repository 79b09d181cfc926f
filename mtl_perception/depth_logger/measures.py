"""What is measured of a frame to judge whether it is worth keeping."""

from __future__ import annotations

import cv2
import numpy as np

_THUMBNAIL = (64, 48)
_FLAT = 2 * 4.0**2
"""Twice the variance, grey levels squared, below which a thumbnail is as good as flat: noise is no change of view."""
_DARK, _BRIGHT = 5, 250
_SPARSE = 4
"""One pixel in so many along each side says enough of a whole prediction."""


def thumbnail(grey: np.ndarray) -> np.ndarray:
    """``grey`` (H, W) uint8 averaged down to (48, 64) float32, to compare views by."""
    return cv2.resize(grey, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)


def view_change(first: np.ndarray, second: np.ndarray) -> float:
    """How different two thumbnails are: 0 the same view, 1 nothing in common.

    One less the structure term of SSIM (Wang et al. 2004, equation 13 without luminance) over the whole thumbnail:
    an even change of brightness is no change of view.
    """
    a, b = first - first.mean(), second - second.mean()
    alike = (2 * (a * b).mean() + _FLAT) / ((a * a).mean() + (b * b).mean() + _FLAT)
    return float(np.clip(1 - alike, 0, 1))


def sharpness(grey: np.ndarray) -> float:
    """Variance of the Laplacian of ``grey`` (H, W) uint8: falls with motion blur and bad focus, and in plain views."""
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return float(deviation[0, 0]) ** 2


def clipped(grey: np.ndarray) -> float:
    """Share of the pixels of ``grey`` (H, W) uint8 that are almost black or almost white, 0..1."""
    counts = np.bincount(grey.reshape(-1), minlength=256)
    return float((counts[: _DARK + 1].sum() + counts[_BRIGHT:].sum()) / grey.size)


def valid_depth(depth: np.ndarray) -> float:
    """Share of the pixels of ``depth`` (H, W), 0 unknown, that are known, 0..1."""
    return np.count_nonzero(depth) / depth.size


def disagreement(measured: np.ndarray, predicted: np.ndarray) -> float | None:
    """Mean of |predicted - measured| / measured where both are known, on every fourth pixel of every fourth row.

    Args:
        measured: (H, W) uint16 millimetres, 0 unknown.
        predicted: (h, w) float32 metres of the same view, not finite or 0 where unknown.

    Returns:
        The mean, or None where nothing is known to both.
    """
    truth = measured[::_SPARSE, ::_SPARSE].astype(np.float32) / 1000
    guess = cv2.resize(predicted, truth.shape[::-1], interpolation=cv2.INTER_NEAREST)
    known = (truth > 0) & np.isfinite(guess) & (guess > 0)
    if not known.any():
        return None
    return float(np.mean(np.abs(guess[known] - truth[known]) / truth[known]))


def mean_confidence(confidence: np.ndarray) -> float:
    """Mean of a segmentation's confidence (h, w) uint8, 0..1."""
    return float(confidence.mean()) / 255
