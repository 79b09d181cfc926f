"""A frame as pictures: depth, classes and their errors in colours, in words, and what the colours stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mtl_perception.evaluation.frame_pictures import FramePictures
from mtl_perception.model_card import NOT_CONFIDENT, UNLABELLED
from mtl_perception.visualize import depth_in_color, viewing_range

Color = tuple[int, int, int]
FULL_ERROR = 0.25
"""Share of the distance from which on an error has the full colour; what delta 1 counts as wrong."""
RIGHT, WRONG = (226, 238, 246), (213, 94, 0)
TOO_NEAR, TOO_FAR = (0, 114, 178), (213, 94, 0)  # Told apart by those who see few colours too (Okabe and Ito).
NO_CLASS, NO_TRUTH, STRANGE = (205, 205, 205), (128, 128, 128), (0, 0, 0)
_STOPS = 9


@dataclass(frozen=True)
class Drawn:
    """A picture: ``caption``, the same in words for who cannot see it, and (H, W, 3) uint8 RGB.

    ``flat`` ones have few colours with sharp edges, which JPEG would blur.
    """

    caption: str
    alt: str
    rgb: np.ndarray
    flat: bool = False


@dataclass(frozen=True)
class Key:
    """What a colour stands for."""

    color: Color
    text: str


@dataclass(frozen=True)
class ColorBar:
    """A run of colours: ``stops`` from left to right at equal steps, and the ``ticks`` under its ends and middle."""

    title: str
    stops: tuple[Color, ...]
    ticks: tuple[str, str, str]


@dataclass(frozen=True)
class Drawing:
    """The pictures of a frame and the keys to them."""

    pictures: tuple[Drawn, ...]
    bars: tuple[ColorBar, ...] = ()
    keys: tuple[Key, ...] = ()

    def __add__(self, other: Drawing) -> Drawing:
        return Drawing(self.pictures + other.pictures, self.bars + other.bars, self.keys + other.keys)


def draw(frame: FramePictures, colors: Mapping[int, Color], names: Mapping[int, str]) -> Drawing:
    """What there is to see of the frame's task; of a sample, of both.

    Args:
        frame: the frame.
        colors: colour of each class id.
        names: name of each class id.
    """
    drawing = Drawing((Drawn("camera", f"What the camera saw in frame {frame.index}.", frame.rgb),))
    if frame.task == "depth" or frame.rank == "sample":
        drawing += _depth(frame)
    if (frame.task == "segmentation" or frame.rank == "sample") and frame.segmentation is not None:
        drawing += _classes(frame.segmentation, frame.true_segmentation, colors, names)
    return drawing


def _depth(frame: FramePictures) -> Drawing:
    guess, true = frame.depth, frame.true_depth
    nearest, farthest = viewing_range([guess] if true is None else [guess, true])
    nearest = max(nearest, farthest / 20)  # Down to zero, the inverse would leave most colours to what is hardly seen.
    scale = np.linspace(nearest, farthest, _STOPS)
    first, middle, last = (f"{scale[i]:.1f}\N{NO-BREAK SPACE}m" for i in (0, _STOPS // 2, _STOPS - 1))
    bar = ColorBar("depth", _stops(depth_in_color(scale[None], nearest, farthest)), (first, middle, last))
    predicted = Drawn("depth, predicted", _depth_in_words("Predicted", guess), depth_in_color(guess, nearest, farthest))
    if true is None:
        return Drawing((predicted,), (bar,))
    known = np.isfinite(true) & (true > 0) & np.isfinite(guess)
    relative = np.divide(guess - true, true, out=np.zeros(true.shape, np.float32), where=known)
    error = _two_sided(relative)
    error[~known] = NO_TRUTH
    end = f"{100 * FULL_ERROR:.0f}\N{NO-BREAK SPACE}%"
    stops = _stops(_two_sided(np.linspace(-FULL_ERROR, FULL_ERROR, _STOPS)[None]))
    return Drawing(
        (
            Drawn("depth, true", _depth_in_words("True", true), depth_in_color(true, nearest, farthest)),
            predicted,
            Drawn("depth error", _error_in_words(relative[known]), error),
        ),
        (bar, ColorBar("error", stops, (f"{end} too near", "right", f"{end} too far"))),
        () if known.all() else (Key(NO_TRUTH, "no true depth"),),
    )


def _classes(
    guess: np.ndarray, true: np.ndarray | None, colors: Mapping[int, Color], names: Mapping[int, str]
) -> Drawing:
    table = np.full((256, 3), STRANGE, np.uint8)
    for i, color in colors.items():
        table[i] = color
    table[[UNLABELLED, NOT_CONFIDENT]] = NO_CLASS
    predicted = Drawn("classes, predicted", _classes_in_words("Predicted", guess, names), table[guess], flat=True)
    keys = _class_keys([guess] if true is None else [guess, true], colors, names)
    if true is None:
        return Drawing((predicted,), keys=keys)
    labelled = (true != UNLABELLED) & (true != NOT_CONFIDENT)
    right = guess == true
    error = np.where(right[..., None], np.uint8(RIGHT), np.uint8(WRONG))
    error[~labelled] = NO_TRUTH
    words = f"{right[labelled].mean():.0%} of labelled pixels are right" if labelled.any() else "nothing is labelled"
    return Drawing(
        (
            Drawn("classes, true", _classes_in_words("True", true, names), table[true], flat=True),
            predicted,
            Drawn("class error", f"Where classes are right and wrong: {words}.", error, flat=True),
        ),
        keys=(
            Key(WRONG, "wrong"),
            Key(RIGHT, "right"),
            *(() if labelled.all() else (Key(NO_TRUTH, "no true label"),)),
            *keys,
        ),
    )


def _class_keys(maps: list[np.ndarray], colors: Mapping[int, Color], names: Mapping[int, str]) -> tuple[Key, ...]:
    """Keys to the classes in ``maps``, those with most pixels first."""
    seen = sum(np.bincount(m.ravel(), minlength=256) for m in maps)
    ids = [int(i) for i in np.argsort(-seen, kind="stable") if seen[i]]
    nothing = {UNLABELLED, NOT_CONFIDENT}
    keys = [Key(colors[i], names.get(i, f"class {i}")) for i in ids if i in colors]
    keys += [Key(NO_CLASS, "no class")] if nothing & set(ids) else []
    keys += [Key(STRANGE, "a class the model does not have")] if set(ids) - nothing - colors.keys() else []
    return tuple(keys)


def _two_sided(relative: np.ndarray) -> np.ndarray:
    """White where 0, towards one colour below and another above, full at ``FULL_ERROR``; uint8 RGB (..., 3)."""
    strength = np.clip(np.abs(relative) / FULL_ERROR, 0, 1)[..., None]
    side = np.where((relative < 0)[..., None], TOO_NEAR, TOO_FAR)
    return np.rint(255 + (side - 255) * strength).astype(np.uint8)


def _depth_in_words(what: str, depth: np.ndarray) -> str:
    known = depth[np.isfinite(depth) & (depth > 0)]
    if not known.size:
        return f"{what} depth: none."
    low, middle, high = np.percentile(known, (1, 50, 99))
    return f"{what} depth: {low:.1f} to {high:.1f} m, half of it nearer than {middle:.1f} m."


def _error_in_words(relative: np.ndarray) -> str:
    if not relative.size:
        return "Depth error: no true depth."
    near, far = (relative < -FULL_ERROR).mean(), (relative > FULL_ERROR).mean()
    return (
        f"Depth error: {np.abs(relative).mean():.0%} on average; {near:.0%} of pixels are more than {FULL_ERROR:.0%} "
        f"too near, {far:.0%} more than that too far."
    )


def _classes_in_words(what: str, ids: np.ndarray, names: Mapping[int, str]) -> str:
    counts = np.bincount(ids.ravel(), minlength=256)
    most = [int(i) for i in np.argsort(-counts, kind="stable")[:5] if counts[i] and int(i) in names]
    told = ", ".join(f"{names[i]} {counts[i] / ids.size:.0%}" for i in most)
    return f"{what} classes: {told or 'none'}."


def _stops(colors: np.ndarray) -> tuple[Color, ...]:
    """The colours of (1, N, 3) uint8."""
    return tuple((int(r), int(g), int(b)) for r, g, b in colors[0])
