"""Procedural textures: (H, W, 3) float32 sRGB colours 0..1 that tile in both directions, sides powers of two."""

from __future__ import annotations

import cv2
import numpy as np

Color = tuple[float, float, float]


def noise(rng: np.random.Generator, size: int, cells: tuple[int, int], octaves: int = 4) -> np.ndarray:
    """Tiling fractal value noise, (size, size) float32 of mean 0 and about -1..1; ``cells`` are rows and columns."""
    total = np.zeros((size, size), np.float32)
    amplitude = 0.6
    rows, columns = cells
    for _ in range(octaves):
        if max(rows, columns) > size:
            break
        grid = np.pad(rng.uniform(-1, 1, (rows, columns)).astype(np.float32), 2, mode="wrap")
        y = (np.arange(size, dtype=np.float32) + 0.5) * rows / size + 1.5
        x = (np.arange(size, dtype=np.float32) + 0.5) * columns / size + 1.5
        total += amplitude * cv2.remap(grid, *np.meshgrid(x, y), cv2.INTER_CUBIC)
        amplitude *= 0.55
        rows, columns = rows * 2, columns * 2
    return total


def _shaded(color: Color, gain: np.ndarray) -> np.ndarray:
    return np.clip(np.asarray(color, np.float32) * gain[..., None], 0, 1).astype(np.float32)


def plain(color: Color) -> np.ndarray:
    """One colour."""
    return np.full((1, 1, 3), color, np.float32)


def speckled(rng: np.random.Generator, color: Color, amount: float = 0.06, size: int = 128) -> np.ndarray:
    """Plaster, stone or brushed paint: one colour with fine and coarse mottling."""
    return _shaded(color, 1 + amount * (noise(rng, size, (4, 4)) + 0.7 * noise(rng, size, (32, 32), 2)))


def wood(rng: np.random.Generator, color: Color, size: int = 256) -> np.ndarray:
    """Grain along u."""
    bend = noise(rng, size, (4, 1), 3)
    v = np.arange(size, dtype=np.float32)[:, None] / size
    rings = np.sin(2 * np.pi * (rng.integers(5, 10) * v + 0.9 * bend))
    fibres = noise(rng, size, (64, 2), 3)
    return _shaded(color, 1 + 0.10 * rings + 0.14 * fibres + 0.06 * bend)


def planks(rng: np.random.Generator, color: Color, rows: int = 8, size: int = 512) -> np.ndarray:
    """Floor boards along u with staggered ends, each board its own cut of wood."""
    source = wood(rng, color, size)
    picture = np.empty_like(source)
    height = size // rows
    for row in range(rows):
        cuts = np.sort(rng.choice(np.arange(size // 16) * 16, 2, replace=False))
        for start, end in ((cuts[0], cuts[1]), (cuts[1], cuts[0] + size)):
            columns = np.arange(start, end) % size
            shift = rng.integers(size, size=2)
            piece = source[(np.arange(height)[:, None] + shift[0]) % size, (columns[None] + shift[1]) % size]
            piece = piece * rng.uniform(0.8, 1.12)
            piece[:, :2] *= 0.55
            picture[row * height : (row + 1) * height, columns] = piece
        picture[row * height : row * height + 2] *= 0.55
    return np.clip(picture, 0, 1)


def herringbone(rng: np.random.Generator, color: Color, size: int = 512) -> np.ndarray:
    """Parquet in small squares whose grain alternates."""
    source, cell = wood(rng, color, size), size // 8
    picture = np.empty_like(source)
    for i in range(8):
        for j in range(8):
            a, b = rng.integers(size - cell, size=2)
            piece = source[a : a + cell, b : b + cell] * rng.uniform(0.82, 1.1)
            piece[:: cell // 4] *= 0.7
            piece = piece.transpose(1, 0, 2) if (i + j) % 2 else piece
            picture[i * cell : (i + 1) * cell, j * cell : (j + 1) * cell] = piece
    return np.clip(picture, 0, 1)


def tiles(
    rng: np.random.Generator, color: Color, second: Color, count: int = 4, ratio: int = 1, size: int = 256
) -> np.ndarray:
    """``count`` columns of tiles, ``ratio`` times as many rows; ``second`` colours the odd ones, grout between."""
    picture = speckled(rng, (1, 1, 1), 0.05, size)
    columns, rows = size // count, size // (count * ratio)
    stagger = ratio > 1
    y, x = np.mgrid[0:size, 0:size]
    row = y // rows
    x = (x + (row % 2) * (columns // 2) * stagger) % size
    odd = ((row + x // columns) % 2).astype(bool)
    cell = rng.uniform(0.92, 1.06, (count * ratio, count))[row, x // columns]
    base = np.where(odd[..., None], np.float32(second), np.float32(color))
    picture *= base * cell[..., None].astype(np.float32)
    line = max(1, size // 128)
    picture[(y % rows < line) | (x % columns < line)] *= 0.62
    return np.clip(picture, 0, 1)


def bricks(rng: np.random.Generator, color: Color, size: int = 256) -> np.ndarray:
    """A brick wall in stretcher bond."""
    y, x = np.mgrid[0:size, 0:size]
    row = y // (size // 12)
    shifted = (x + (row % 2) * size // 8) % size
    column = shifted // (size // 4)
    gain = rng.uniform(0.72, 1.15, (13, 4))[row, column] + 0.12 * noise(rng, size, (16, 16), 3)
    picture = _shaded(color, gain)
    mortar = (y % (size // 12) < 3) | (shifted % (size // 4) < 3)
    picture[mortar] = np.clip(0.72 + 0.05 * noise(rng, size, (32, 32), 2)[mortar], 0, 1)[:, None]
    return picture


def carpet(rng: np.random.Generator, color: Color, size: int = 256) -> np.ndarray:
    """Cut pile."""
    pile = rng.normal(0, 1, (size, size)).astype(np.float32)
    return _shaded(color, 1 + 0.10 * pile + 0.10 * noise(rng, size, (8, 8)))


def stripes(
    rng: np.random.Generator, color: Color, second: Color, count: int = 6, plaid: bool = False, size: int = 256
) -> np.ndarray:
    """Stripes along v, or a plaid of them both ways."""
    width = rng.uniform(0.25, 0.6)
    x = (np.arange(size) * count / size) % 1 < width
    weight = np.broadcast_to(x[None].astype(np.float32), (size, size))
    if plaid:
        weight = (weight + weight.T) / 2
    picture = np.float32(color) * (1 - weight[..., None]) + np.float32(second) * weight[..., None]
    return np.clip(picture * (1 + 0.05 * rng.normal(0, 1, (size, size, 1))), 0, 1).astype(np.float32)


def motif(rng: np.random.Generator, color: Color, second: Color, count: int = 4, size: int = 256) -> np.ndarray:
    """A repeated figure of petals or dots on a ground, as on wallpaper or cotton print."""
    y, x = (np.mgrid[0:size, 0:size] * count / size) % 1 - 0.5
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    petals = int(rng.choice([0, 4, 5, 6]))
    reach = 0.3 * (0.7 + 0.3 * np.cos(petals * angle)) if petals else np.full_like(radius, 0.18)
    inside = ((radius < reach) & ~((radius > 0.06) & (radius < 0.09))).astype(np.float32)
    inside = cv2.GaussianBlur(inside, (3, 3), 0)[..., None]
    picture = np.float32(color) * (1 - inside) + np.float32(second) * inside
    return picture * (1 + 0.03 * noise(rng, size, (16, 16), 3))[..., None]


def marble(rng: np.random.Generator, color: Color, size: int = 256) -> np.ndarray:
    """Veined stone."""
    vein = np.abs(noise(rng, size, (3, 3), 5))
    return _shaded(color, 1 - 0.35 * np.exp(-vein * 14) + 0.04 * noise(rng, size, (8, 8)))


def weave(rng: np.random.Generator, color: Color, size: int = 128) -> np.ndarray:
    """Upholstery or linen: fine crossed threads."""
    y, x = np.mgrid[0:size, 0:size]
    thread = np.where((x // 4 + y // 4) % 2, np.sin(np.pi * (x % 4 + 0.5) / 4), np.sin(np.pi * (y % 4 + 0.5) / 4))
    return _shaded(color, 0.82 + 0.22 * thread + 0.05 * noise(rng, size, (6, 6), 3))
