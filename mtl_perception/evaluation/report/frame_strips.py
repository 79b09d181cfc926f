"""The frames to look at, as pictures inside the page: as large as they can be while the page stays small."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2

from mtl_perception.evaluation.frame_pictures import LARGEST_WIDTH, FramePictures
from mtl_perception.evaluation.report import figures as fmt
from mtl_perception.evaluation.report.frame_drawing import Color, ColorBar, Drawn, Key, draw

_WIDTHS = (LARGEST_WIDTH, 480, 320, 240, 160)
_MOST_BYTES = 7_500_000
"""Of all pictures together, as text in the page."""
_JPEG_QUALITY = 82
_SCORES = {
    "rmse": ("rmse", fmt.metres),
    "log rmse": ("log rmse", fmt.plain),
    "sq rel": ("sq rel", fmt.metres),
    "abs rel": ("depth error", fmt.percent),
    "miou": ("mIoU", fmt.percent),
    "pixel accuracy": ("pixels right", fmt.percent),
}
"""How a score is named and written; any other is a share."""


@dataclass(frozen=True)
class Picture:
    """One picture: ``caption``, ``alt`` in words, ``uri`` with the picture itself, and its size in pixels."""

    caption: str
    alt: str
    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Strip:
    """A frame: ``title``, its pictures, and the keys to their colours."""

    title: str
    pictures: tuple[Picture, ...]
    bars: tuple[ColorBar, ...]
    keys: tuple[Key, ...]


def strips(
    frames: Sequence[FramePictures],
    colors: Mapping[str, Mapping[int, Color]],
    names: Mapping[str, Mapping[int, str]],
) -> list[Strip]:
    """Draw ``frames``, one after the other: all drawn at once would need much memory.

    Args:
        frames: frames to draw.
        colors: colour of each class id, by name of the model.
        names: name of each class id, by name of the model.

    Returns:
        A strip for each frame, in their order.
    """
    found: list[Strip] = []
    bytes_a_pixel = 0.0  # A frame's, over its width squared, where it was too large; a smaller one needs no fewer.
    for width in _WIDTHS:
        is_last = width == _WIDTHS[-1]
        if bytes_a_pixel * width**2 * len(frames) > _MOST_BYTES and not is_last:
            continue
        found, total = [], 0
        for frame in frames:
            strip = _strip(frame.shrunk(width), colors.get(frame.model, {}), names.get(frame.model, {}))
            total += sum(len(picture.uri) for picture in strip.pictures)
            found.append(strip)
            if total > _MOST_BYTES and not is_last:
                bytes_a_pixel = total / len(found) / width**2
                break
        else:
            break
    return found


def _strip(frame: FramePictures, colors: Mapping[int, Color], names: Mapping[int, str]) -> Strip:
    drawing = draw(frame, colors, names)
    return Strip(_title(frame), tuple(_encoded(picture) for picture in drawing.pictures), drawing.bars, drawing.keys)


def _encoded(picture: Drawn) -> Picture:
    kind, options = ("png", []) if picture.flat else ("jpeg", [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    data = cv2.imencode(f".{kind}", cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2BGR), options)[1].tobytes()
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return Picture(picture.caption, picture.alt, uri, picture.rgb.shape[1], picture.rgb.shape[0])


def _title(frame: FramePictures) -> str:
    seconds, nanoseconds = divmod(frame.stamp, 10**9)
    where = f"frame {frame.index}, stamp {seconds}.{nanoseconds:09d}"
    if frame.rank == "sample":
        return f"Sample ({where})"
    if frame.score is None or not math.isfinite(frame.score):
        return f"{frame.rank.capitalize()} ({where})"
    score = frame.score_name.removeprefix("depth_").replace("_", " ")
    name, write = _SCORES.get(score, (score, fmt.percent))
    return f"{frame.rank.capitalize()}: {name} {write(frame.score)} ({where})"
