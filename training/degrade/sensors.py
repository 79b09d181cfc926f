"""What sensors do to depth: structured light, stereo, and plain holes; each from true depth to measured."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from mtl_perception.dataset_folder import Intrinsics
from training.errors import ConfigurationError

Sensor = Callable[[np.ndarray, Intrinsics, float, np.random.Generator], np.ndarray]

_KINECT_BASELINE = 0.075
"""Metres between projector and camera."""
_KINECT_STEP = 1 / 8
"""Disparities are told in eighths of a pixel, of a picture 640 wide."""
_KINECT_RANGE = (0.4, 10.0)
_KINECT_SHIFT = 0.8
"""Standard deviation, pixels of a picture 640 wide, of where across a surface's edge depth is read."""
_STEREO_BASELINE = 0.12
_STEREO_BLOCK = 0.01
"""Width of the block that is matched, over the picture's: its pixels err together."""
_STEREO_WRONG = 0.01
"""Share of pixels matched to something else, at a noise of one pixel."""


def kinect(depth: np.ndarray, camera: Intrinsics, level: float, rng: np.random.Generator) -> np.ndarray:
    """Structured light: shadows of the projector, ragged edges, noise that grows with distance, steps of disparity.

    Noise along and across the ray as Nguyen, Izadi and Lovell (3DIMPVT 2012) measured it: 1.2 mm + 1.9 mm
    ((z - 0.4 m) / 1 m)^2, and 0.8 pixels; disparity in eighths of a pixel at a baseline of 75 mm; nothing below 0.4 m
    and above 10 m.

    Args:
        depth: (H, W) float metres, 0 = unknown.
        camera: of these pixels.
        level: factor on noise, raggedness and steps; 1 is the sensor as measured.
        rng: of the noise.

    Returns:
        (H, W) float32 metres, 0 = unknown.
    """
    scale = depth.shape[1] / 640
    measured = _ragged(depth.astype(np.float64), _KINECT_SHIFT * level * scale, rng)
    noise = level * (0.0012 + 0.0019 * (measured - 0.4) ** 2)
    measured = np.where(measured > 0, measured + noise * rng.standard_normal(depth.shape), 0)
    product = camera.fx * _KINECT_BASELINE
    step = _KINECT_STEP * level * scale
    disparity = np.where(measured > 0, product / np.maximum(measured, 1e-3), 0)
    if step > 0:
        disparity = np.round(disparity / step) * step
    measured = np.where(disparity > 0, product / np.maximum(disparity, 1e-9), 0)
    seen = (measured >= _KINECT_RANGE[0]) & (measured <= _KINECT_RANGE[1]) & ~_in_shadow(depth, product)
    return np.where(seen & (depth > 0), measured, 0).astype(np.float32)


def disparity_noise(depth: np.ndarray, camera: Intrinsics, level: float, rng: np.random.Generator) -> np.ndarray:
    """Stereo at a baseline of 12 cm: disparity errs by so many pixels, block by block, and is wrong here and there.

    As the paper's Cityscapes depth, whose "strong noise" it names: the error of depth grows with its square.

    Args:
        depth: (H, W) float metres, 0 = unknown.
        camera: of these pixels.
        level: standard deviation of disparity, pixels of a picture 640 wide.
        rng: of the noise.

    Returns:
        (H, W) float32 metres, 0 = unknown; behind infinity nothing is known.
    """
    width = depth.shape[1]
    product = camera.fx * _STEREO_BASELINE
    true = np.where(depth > 0, product / np.maximum(depth, 1e-3), 0)
    wrong = rng.random(depth.shape) < _STEREO_WRONG * level
    measured = true + level * (width / 640) * _smooth(depth.shape, _STEREO_BLOCK * width, rng)
    measured = np.where(wrong, rng.uniform(0, max(float(true.max()), 1e-6), depth.shape), measured)
    # What lies beyond ten times the farthest surface is a failed match, not a surface.
    least = true[true > 0].min() / 10 if (true > 0).any() else np.inf
    known = (depth > 0) & (measured >= least)
    return np.where(known, product / np.maximum(measured, 1e-9), 0).astype(np.float32)


def holes(depth: np.ndarray, camera: Intrinsics, level: float, rng: np.random.Generator) -> np.ndarray:
    """Patches without depth, as on what shines or swallows light.

    Args:
        depth: (H, W) float metres, 0 = unknown.
        camera: of these pixels; it does not matter here.
        level: share of the known pixels that are lost, 0..1.
        rng: of where.

    Returns:
        (H, W) float32 metres, 0 = unknown.
    """
    known = depth > 0
    height = _smooth(depth.shape, depth.shape[1] / 16, rng)
    order = np.argsort(np.where(known, height, np.inf), axis=None)
    lost = order[: round(level * int(known.sum()))]
    measured = depth.astype(np.float32).copy()
    measured.flat[lost] = 0
    return measured


SENSORS: dict[str, Sensor] = {"kinect": kinect, "disparity": disparity_noise, "holes": holes}


def check_level(sensor: str, level: float) -> None:
    """Refuse a level at which ``sensor`` adds nothing, or leaves nothing.

    Raises:
        ConfigurationError: it is not above 0, or not finite, or 1 or more of holes.
    """
    if not 0 < level < (1 if sensor == "holes" else float("inf")):
        raise ConfigurationError(f"level {level:g} of {sensor}: above 0, and of holes below 1")


def _ragged(depth: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Each pixel reads depth a little beside where it looks."""
    rows, columns = np.indices(depth.shape)
    for axis, size in ((rows, depth.shape[0]), (columns, depth.shape[1])):
        axis += np.rint(sigma * rng.standard_normal(depth.shape)).astype(axis.dtype)
        np.clip(axis, 0, size - 1, out=axis)
    return depth[rows, columns]


def _in_shadow(depth: np.ndarray, product: float) -> np.ndarray:
    """Pixels that the projector, right of the camera, does not light: a nearer surface to their right is in the way."""
    known = depth > 0
    seen_at = np.arange(depth.shape[1]) - np.where(known, product / np.where(known, depth, 1), 0)
    lit = np.where(known, seen_at, np.inf)
    least = np.minimum.accumulate(lit[:, ::-1], axis=1)[:, ::-1]
    to_the_right = np.concatenate([least[:, 1:], np.full((len(depth), 1), np.inf)], axis=1)
    # A slanted wall is not its own shadow: what is in the way must be nearer by a pixel of disparity.
    return known & (seen_at - to_the_right > 1)


def _smooth(shape: tuple[int, ...], width: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of mean 0 and deviation 1 whose blobs are about ``width`` pixels."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), max(width / 2, 0.3))
    return (noise - noise.mean()) / max(float(noise.std()), 1e-9)
