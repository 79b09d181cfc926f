"""Texture lookup and smoothing of noisy light, vectorised over rays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.rooms.materials import Material


class TextureAtlas:
    """All materials of a scene in flat arrays, textures as pyramids of linear colour.

    Attributes:
        specular, gloss, emission, mirror: (M,) float32, see ``Material``.
    """

    def __init__(self, materials: Sequence[Material]) -> None:
        self.specular, self.gloss, self.emission, self.mirror = (
            np.array([getattr(m, k) for m in materials], np.float32)
            for k in ("specular", "gloss", "emission", "mirror")
        )
        levels = 1 + max(int(np.log2(m.texture.shape[0])) for m in materials)
        self._tile = np.array([m.tile for m in materials], np.float32)
        self._offset = np.zeros((len(materials), levels), np.int64)
        self._size = np.ones((len(materials), levels), np.int64)
        pool, total, known = [], 0, {}
        for row, material in enumerate(materials):
            key = id(material.texture)
            if key in known:
                self._offset[row], self._size[row] = self._offset[known[key]], self._size[known[key]]
                continue
            known[key] = row
            level = material.texture.astype(np.float32) ** 2.2
            for column in range(levels):
                if column == 0 or len(level) > 1:
                    level = level if column == 0 else level.reshape(len(level) // 2, 2, -1, 2, 3).mean((1, 3))
                    pool.append(level.reshape(-1, 3))
                    start, total = total, total + len(pool[-1])
                self._offset[row, column], self._size[row, column] = start, len(level)
        self._pool = np.concatenate(pool)
        self._texels = self._size[:, 0] / self._tile.max(1)
        self._levels = levels

    def sample(self, material: np.ndarray, uv: np.ndarray, footprint: np.ndarray) -> np.ndarray:
        """Linear colour (N, 3) of ``material`` (N,) at ``uv`` (N, 2), for a pixel ``footprint`` (N,) metres wide."""
        wanted = np.log2(np.maximum(footprint * self._texels[material], 1.0))
        level = np.minimum(wanted + 0.5, self._levels - 1).astype(np.int64)
        size, offset = self._size[material, level], self._offset[material, level]
        place = uv / self._tile[material] * size[:, None] - 0.5
        corner = np.floor(place)
        part = (place - corner).astype(np.float32)
        corner = corner.astype(np.int64)
        mask = size - 1  # sizes are powers of two, so this wraps
        x0, x1 = corner[:, 0] & mask, (corner[:, 0] + 1) & mask
        y0, y1 = (corner[:, 1] & mask) * size + offset, ((corner[:, 1] + 1) & mask) * size + offset
        fx, fy = part[:, :1], part[:, 1:]
        upper = self._pool[y0 + x0] * (1 - fx) + self._pool[y0 + x1] * fx
        lower = self._pool[y1 + x0] * (1 - fx) + self._pool[y1 + x1] * fx
        return upper * (1 - fy) + lower * fy


def smooth(
    light: np.ndarray, distance: np.ndarray, normal: np.ndarray, owner: np.ndarray, passes: int = 3
) -> np.ndarray:
    """Edge-avoiding a-trous smoothing (Dammertz et al. 2010) of (H, W, 3) ``light``.

    Only neighbours of the same object with like normal and distance are mixed.
    """
    height, width = distance.shape
    for step in (1 << i for i in range(passes)):
        total, weight = light.copy(), np.ones((height, width), np.float32)
        for dy, dx in ((0, step), (step, 0), (step, step), (step, -step)):
            a = np.s_[max(dy, 0) :, max(dx, 0) : width + min(dx, 0)]
            b = np.s_[: height - dy, max(-dx, 0) : width - max(dx, 0)]
            alike = owner[a] == owner[b]
            alike &= np.abs(distance[a] - distance[b]) < 0.02 * step * distance[a]
            alike &= np.einsum("ijk,ijk->ij", normal[a], normal[b]) > 0.93
            mix = alike.astype(np.float32) * (0.7 if dx and dy else 1.0)
            total[a] += mix[..., None] * light[b]
            total[b] += mix[..., None] * light[a]
            weight[a] += mix
            weight[b] += mix
        light = total / weight[..., None]
    return light
