"""Pictures fitted once to a surface: views from windows, paintings, screens, print; (H, W, 3) float32 sRGB."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from training.rooms.textures import noise


def hsv(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """An sRGB colour from hue (wrapped to 0..1), saturation and value."""
    return colorsys.hsv_to_rgb(hue % 1.0, float(np.clip(saturation, 0, 1)), float(np.clip(value, 0, 1)))


def _ridge(rng: np.random.Generator, size: int, cells: int) -> np.ndarray:
    return noise(rng, size, (1, cells), 4)[0]


def outdoors(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    """What a window shows: sky with clouds, hills or houses, trees, grass."""
    rows = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    top, horizon = np.float32(hsv(rng.uniform(0.55, 0.62), rng.uniform(0.2, 0.6), 1)), np.float32((0.95, 0.95, 0.95))
    picture = np.broadcast_to(top * (1 - rows[..., None]) + horizon * rows[..., None], (size, size, 3)).copy()
    cloud = np.clip(noise(rng, size, (4, 3), 5) - rng.uniform(-0.2, 0.2), 0, 1)[..., None]
    picture += cloud * (1 - picture) * 0.9
    line = rng.uniform(0.5, 0.65)
    far = line + 0.10 * _ridge(rng, size, 3)
    picture[rows > far[None]] = np.float32(hsv(0.38, 0.25, rng.uniform(0.5, 0.7)))
    if rng.random() < 0.5:
        _houses(rng, picture, line)
    near = line + 0.12 + 0.06 * _ridge(rng, size, 16)
    green = np.float32(hsv(rng.uniform(0.24, 0.34), 0.6, rng.uniform(0.35, 0.55)))
    leaves = green * (1 + 0.35 * noise(rng, size, (24, 24), 3))[..., None]
    picture = np.where((rows > near[None])[..., None], leaves, picture)
    lawn = np.broadcast_to(rows > line + 0.25, (size, size))
    picture[lawn] = (green * 1.35 * (1 + 0.15 * noise(rng, size, (32, 16), 3))[..., None])[lawn]
    return np.clip(picture, 0, 1).astype(np.float32)


def _houses(rng: np.random.Generator, picture: np.ndarray, line: float) -> None:
    size = len(picture)
    for _ in range(rng.integers(2, 5)):
        x, width = rng.integers(size), rng.integers(size // 8, size // 4)
        top, bottom = int(size * (line - rng.uniform(0.1, 0.35))), int(size * (line + 0.2))
        cv2.rectangle(picture, (int(x), top), (int(x + width), bottom), hsv(rng.random(), 0.25, 0.7), -1)
        for row in range(top + 6, bottom - 6, 14):
            for column in range(x + 5, x + width - 8, 14):
                cv2.rectangle(picture, (column, row), (column + 6, row + 8), (0.3, 0.35, 0.4), -1)


def painting(rng: np.random.Generator, size: int = 128) -> np.ndarray:
    """A landscape, an abstract of shapes, or a colour field."""
    kind, hue = rng.integers(4), rng.random()
    if kind == 0:
        picture = outdoors(rng, size)
        return picture * np.float32(hsv(hue, 0.25, 1))
    picture = np.full((size, size, 3), hsv(hue, rng.uniform(0.1, 0.5), rng.uniform(0.6, 0.95)), np.float32)
    for _ in range(int(rng.integers(4, 12))):
        color = hsv(hue + rng.normal(0, 0.15), rng.uniform(0.3, 0.9), rng.uniform(0.2, 1))
        a, b = rng.integers(size, size=2), rng.integers(size, size=2)
        if kind == 1:
            cv2.circle(picture, a.tolist(), int(rng.integers(size // 16, size // 4)), color, -1, cv2.LINE_AA)
        elif kind == 2:
            cv2.rectangle(picture, np.minimum(a, b).tolist(), np.maximum(a, b).tolist(), color, -1)
        else:
            cv2.line(picture, a.tolist(), b.tolist(), color, int(rng.integers(2, 14)), cv2.LINE_AA)
    return np.clip(picture * (1 + 0.06 * noise(rng, size, (16, 16), 3))[..., None], 0, 1)


def screen(rng: np.random.Generator, size: int = 128) -> np.ndarray:
    """A television or monitor: off, or showing a scene or windows of text."""
    kind = rng.integers(3)
    if kind == 0:
        return np.full((4, 4, 3), 0.03, np.float32)
    if kind == 1:
        return outdoors(rng, size) * 0.9
    picture = np.full((size, size, 3), hsv(rng.random(), 0.5, 0.45), np.float32)
    for _ in range(3):
        x, y = rng.integers(0, size // 2, size=2)
        picture[y : y + size // 2, x : x + size // 2] = 0.93
        _lines_of_text(rng, picture[y + 8 : y + size // 2 - 4, x + 4 : x + size // 2 - 4], 5)
    return picture


def page(rng: np.random.Generator, size: int = 64) -> np.ndarray:
    """A printed sheet."""
    picture = np.full((size, size, 3), 0.95, np.float32)
    _lines_of_text(rng, picture[6:-6, 6:-6], 4)
    return picture


def _lines_of_text(rng: np.random.Generator, area: np.ndarray, pitch: int) -> None:
    for row in range(0, len(area) - 2, pitch):
        length = int(area.shape[1] * rng.uniform(0.4, 1.0))
        area[row : row + 2, :length] -= 0.5 * (rng.random((1, length, 1)) < 0.8)


def scribbles(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    """A whiteboard in use."""
    picture = np.full((size, size, 3), 0.96, np.float32)
    for _ in range(int(rng.integers(3, 9))):
        color = ((0.1, 0.1, 0.5), (0.7, 0.1, 0.1), (0.1, 0.4, 0.15), (0.1, 0.1, 0.1))[rng.integers(4)]
        start = rng.integers(20, size - 40, size=2)
        if rng.random() < 0.3:
            cv2.rectangle(picture, start.tolist(), (start + rng.integers(20, 60, size=2)).tolist(), color, 2)
            continue
        steps = np.stack([np.arange(40) * rng.uniform(1, 4), 6 * np.cumsum(rng.normal(0, 0.5, 40))], 1)
        cv2.polylines(picture, [(start + steps).astype(np.int32)], False, color, 2, cv2.LINE_AA)
    return picture


def rug(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    """A rug with borders and a field of stripes, diamonds or a medallion."""
    hue = rng.random()
    palette = [np.float32(hsv(hue + d, rng.uniform(0.2, 0.7), rng.uniform(0.35, 0.9))) for d in (0, 0.08, 0.5, 0.05)]
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    edge = np.maximum(np.abs(x), np.abs(y))
    kind = rng.integers(4)
    pattern = [
        np.abs(x) + np.abs(y),
        np.hypot(x, y),
        np.abs((x * 3) % 2 - 1) + np.abs((y * 3) % 2 - 1),
        np.abs(y) * 1.4,
    ][kind]
    picture = np.stack(palette)[(pattern * rng.uniform(2, 5)).astype(int) % 3]
    picture[edge > 0.82] = palette[3]
    picture[(edge > 0.86) & (edge < 0.9)] = palette[0]
    return np.clip(picture * (1 + 0.10 * rng.normal(0, 1, (size, size, 1))), 0, 1).astype(np.float32)
