"""Sheets of examples: picture, truth, pseudo-label, confidence and error, one frame a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mtl_perception.model_card import NOT_CONFIDENT, UNLABELLED
from mtl_perception.visualize import Palette, captioned, depth_in_color, viewing_range
from training.palette import semantic_classes

NO_LABEL = (205, 205, 205)
NO_TRUTH = (255, 255, 255)
RIGHT, WRONG = (0, 114, 178), (213, 94, 0)
LARGEST_ERROR = 0.25
"""Relative error of depth from which on the picture shows one colour: delta 1 counts those as wrong."""
_LEAST_WIDTH = 240
_GAP = 4


@dataclass(frozen=True)
class Example:
    """A frame to show.

    Attributes:
        name: of the frame.
        rgb: (H, W, 3) uint8.
        pseudo: (H, W) uint8 class ids or metres of depth, 0 = not kept.
        confidence: (H, W) uint8, 255 times the softmax, or of depth's agreement with its mirror image.
        truth: (H, W) as ``pseudo``, 0 = unlabelled; None without truth.
    """

    name: str
    rgb: np.ndarray
    pseudo: np.ndarray
    confidence: np.ndarray
    truth: np.ndarray | None = None


def class_sheet(examples: Sequence[Example], classes: Mapping[int, str]) -> np.ndarray:
    """The sheet of classes, (H', W', 3) uint8 RGB; ``examples``, one or more, of one size; ``classes`` id to name."""
    palette = Palette(semantic_classes(classes))

    def colors(ids: np.ndarray) -> np.ndarray:
        return np.where(_labelled(ids)[..., None], palette.colors(ids), NO_LABEL)

    lines = [_line(e, colors, _class_error, "right blue, wrong orange") for e in examples]
    shown = set().union(*(np.unique(e.pseudo) for e in examples))
    shown = shown.union(*(np.unique(e.truth) for e in examples if e.truth is not None))
    return np.vstack([*lines, palette.legend(sorted(int(i) for i in shown), lines[0].shape[1])])


def depth_sheet(examples: Sequence[Example]) -> np.ndarray:
    """The sheet of depth, (H', W', 3) uint8 RGB; ``examples``, one or more, of one size."""
    nearest, farthest = viewing_range([e.pseudo if e.truth is None else e.truth for e in examples])

    def colors(depth: np.ndarray) -> np.ndarray:
        return np.where((depth > 0)[..., None], depth_in_color(depth, nearest, farthest), NO_LABEL)

    error_caption = f"error: yellow {100 * LARGEST_ERROR:.0f} % or more"
    return np.vstack([_line(example, colors, _depth_error, error_caption) for example in examples])


def _line(
    example: Example,
    colors: Callable[[np.ndarray], np.ndarray],
    error: Callable[[np.ndarray, np.ndarray], np.ndarray],
    error_caption: str,
) -> np.ndarray:
    """One frame's pictures side by side."""
    blank = np.full_like(example.rgb, NO_TRUTH)
    truth = ((blank, "no truth"), (blank, "no truth"))
    if example.truth is not None:
        truth = ((colors(example.truth), "truth"), (error(example.pseudo, example.truth), error_caption))
    share = 100 * float((example.pseudo > 0).mean())
    pictures = (
        (example.rgb, example.name),
        truth[0],
        (colors(example.pseudo), f"pseudo-label, {share:.0f} % kept"),
        (_viridis(example.confidence), "confidence, dark 0, yellow 1"),
        truth[1],
    )
    times = max(1, -(-_LEAST_WIDTH // example.rgb.shape[1]))
    return np.hstack([_framed(captioned(_enlarged(picture, times), caption)) for picture, caption in pictures])


def _labelled(ids: np.ndarray) -> np.ndarray:
    return (ids != UNLABELLED) & (ids != NOT_CONFIDENT)


def _class_error(pseudo: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Colours of what is right, wrong, not kept, and without truth, (H, W, 3) uint8 RGB."""
    picture = np.full((*pseudo.shape, 3), NO_LABEL, np.uint8)
    picture[(pseudo > 0) & (pseudo == truth)] = RIGHT
    picture[(pseudo > 0) & (pseudo != truth)] = WRONG
    picture[~_labelled(truth)] = NO_TRUTH
    return picture


def _depth_error(pseudo: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Relative error as colours, where it is known and kept, (H, W, 3) uint8 RGB."""
    known = np.isfinite(truth) & (truth > 0)
    relative = np.abs(pseudo - truth) / np.where(known, truth, 1)
    picture = _viridis((255 * np.clip(relative / LARGEST_ERROR, 0, 1)).astype(np.uint8))
    picture[pseudo <= 0] = NO_LABEL
    picture[~known] = NO_TRUTH
    return picture


def _viridis(values: np.ndarray) -> np.ndarray:
    """(H, W) uint8 as colours, (H, W, 3) uint8 RGB."""
    return cv2.cvtColor(cv2.applyColorMap(values, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)


def _enlarged(picture: np.ndarray, times: int) -> np.ndarray:
    """Each pixel ``times`` as wide and high, as captions need room."""
    return picture.astype(np.uint8).repeat(times, 0).repeat(times, 1)


def _framed(picture: np.ndarray) -> np.ndarray:
    return cv2.copyMakeBorder(picture, 0, _GAP, 0, _GAP, cv2.BORDER_CONSTANT, value=(255, 255, 255))
