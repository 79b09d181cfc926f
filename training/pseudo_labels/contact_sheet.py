"""A sheet of examples: picture, truth, pseudo-label, confidence and error, one frame a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mtl_perception.model_card import NOT_CONFIDENT, UNLABELLED, SemanticClass
from mtl_perception.visualize import Palette, captioned
from training.palette import class_colors

NO_LABEL = (205, 205, 205)
NO_TRUTH = (255, 255, 255)
RIGHT, WRONG = (0, 114, 178), (213, 94, 0)
_LEAST_WIDTH = 240
_GAP = 4


@dataclass(frozen=True)
class Example:
    """A frame to show.

    Attributes:
        name: of the frame.
        rgb: (H, W, 3) uint8.
        pseudo: (H, W) uint8 class ids, 0 = not kept.
        confidence: (H, W) uint8, 255 times the softmax.
        truth: (H, W) uint8 class ids, 0 = unlabelled; None without truth.
    """

    name: str
    rgb: np.ndarray
    pseudo: np.ndarray
    confidence: np.ndarray
    truth: np.ndarray | None = None


def contact_sheet(examples: Sequence[Example], classes: Mapping[int, str]) -> np.ndarray:
    """The sheet, (H', W', 3) uint8 RGB; ``examples`` (one or more) of one size, ``classes`` id to name."""
    palette = Palette(
        [SemanticClass(i, classes[i], c) for i, c in zip(classes, class_colors(len(classes)), strict=True)]
    )
    lines = [_line(example, palette) for example in examples]
    shown = set().union(*(np.unique(e.pseudo) for e in examples))
    shown = shown.union(*(np.unique(e.truth) for e in examples if e.truth is not None))
    return np.vstack([*lines, palette.legend(sorted(int(i) for i in shown), lines[0].shape[1])])


def _line(example: Example, palette: Palette) -> np.ndarray:
    """One frame's pictures side by side."""
    blank = np.full_like(example.rgb, NO_TRUTH)
    if example.truth is None:
        truth, error = blank, blank
        truth_caption = error_caption = "no truth"
    else:
        truth = np.where(_labelled(example.truth)[..., None], palette.colors(example.truth), NO_LABEL)
        truth_caption = "truth"
        error = _error(example.pseudo, example.truth)
        error_caption = "right blue, wrong orange"
    pseudo = np.where((example.pseudo > 0)[..., None], palette.colors(example.pseudo), NO_LABEL)
    share = 100 * float((example.pseudo > 0).mean())
    confidence = cv2.cvtColor(cv2.applyColorMap(example.confidence, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)
    pictures = (
        (example.rgb, example.name),
        (truth, truth_caption),
        (pseudo, f"pseudo-label, {share:.0f} % kept"),
        (confidence, "confidence, dark 0, yellow 1"),
        (error, error_caption),
    )
    times = max(1, -(-_LEAST_WIDTH // example.rgb.shape[1]))
    cells = [_framed(captioned(_enlarged(picture, times), caption)) for picture, caption in pictures]
    return np.hstack(cells)


def _labelled(truth: np.ndarray) -> np.ndarray:
    return (truth != UNLABELLED) & (truth != NOT_CONFIDENT)


def _error(pseudo: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Colours of what is right, wrong, not kept, and without truth, (H, W, 3) uint8 RGB."""
    picture = np.full((*pseudo.shape, 3), NO_LABEL, np.uint8)
    picture[(pseudo > 0) & (pseudo == truth)] = RIGHT
    picture[(pseudo > 0) & (pseudo != truth)] = WRONG
    picture[~_labelled(truth)] = NO_TRUTH
    return picture


def _enlarged(picture: np.ndarray, times: int) -> np.ndarray:
    """Each pixel ``times`` as wide and high, as captions need room."""
    return picture.astype(np.uint8).repeat(times, 0).repeat(times, 1)


def _framed(picture: np.ndarray) -> np.ndarray:
    return cv2.copyMakeBorder(picture, 0, _GAP, 0, _GAP, cv2.BORDER_CONSTANT, value=(255, 255, 255))
