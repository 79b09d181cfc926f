"""Surface materials and the palette a scene draws them from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.rooms import pictures, textures
from training.rooms.textures import Color


@dataclass(frozen=True, eq=False)
class Material:
    """How a surface looks.

    Attributes:
        texture: (H, W, 3) sRGB 0..1, sides powers of two.
        tile: metres (or texture coordinates) that one copy of the texture spans, along u and v.
        specular: strength of the highlight, 0..1.
        gloss: exponent of the highlight.
        emission: how much of its colour it gives off of itself.
        mirror: share of light reflected as by a mirror, 0 or 1.
    """

    texture: np.ndarray
    tile: tuple[float, float] = (1.0, 1.0)
    specular: float = 0.0
    gloss: float = 20.0
    emission: float = 0.0
    mirror: float = 0.0


class Palette:
    """Materials of one scene: woods, fabrics and metals that its furniture shares, so that it looks of a piece."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.hue = rng.random()
        self._shared: dict[str, Material] = {}

    def shared(self, key: str, make: Callable[[], Material]) -> Material:
        """The scene's one material called ``key``, made when first asked for."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def accent(self, saturation: float = 0.5, value: float = 0.6) -> Color:
        """A colour of the scene's scheme: its hue, a neighbour or the opposite."""
        hue = self.hue + self.rng.choice([0, 0.06, -0.06, 0.5, 0.33]) + self.rng.normal(0, 0.02)
        return pictures.hsv(hue, saturation * self.rng.uniform(0.2, 1.2), value * self.rng.uniform(0.7, 1.35))

    def any_color(self) -> Color:
        """Any fairly lively colour."""
        return pictures.hsv(self.rng.random(), self.rng.uniform(0.3, 0.9), self.rng.uniform(0.25, 0.95))

    def wood_color(self) -> Color:
        """From ebony over oak to white lacquer."""
        kind = self.rng.random()
        if kind < 0.15:
            return pictures.hsv(0.1, 0.04, self.rng.uniform(0.8, 0.95))
        if kind < 0.35:
            return pictures.hsv(self.rng.uniform(0.03, 0.07), 0.5, self.rng.uniform(0.2, 0.35))
        return pictures.hsv(self.rng.uniform(0.06, 0.1), self.rng.uniform(0.3, 0.6), self.rng.uniform(0.45, 0.85))

    def wood(self) -> Material:
        """One of the scene's two woods."""
        key = f"wood{int(self.rng.random() < 0.35)}"
        return self.shared(key, lambda: self.new_wood())

    def new_wood(self, color: Color | None = None) -> Material:
        """A wood of its own."""
        picture = textures.wood(self.rng, color or self.wood_color())
        return Material(picture, (1.1, 0.45), specular=0.18, gloss=30)

    def fabric(self) -> Material:
        """Upholstery or linen: weave, stripes, plaid or print."""
        rng, kind = self.rng, self.rng.random()
        base, other = self.accent(0.45, 0.65), self.accent(0.3, 0.85)
        if kind < 0.55:
            return Material(textures.weave(rng, base), (0.16, 0.16))
        if kind < 0.85:
            return Material(textures.stripes(rng, base, other, plaid=kind > 0.7), (0.5, 0.5))
        return Material(textures.motif(rng, base, other), (0.5, 0.5))

    def leather(self) -> Material:
        """Smooth upholstery."""
        color = self.accent(0.4, 0.4)
        return Material(textures.speckled(self.rng, color, 0.08), (0.4, 0.4), specular=0.25, gloss=15)

    def linen(self) -> Material:
        """White or pale bedding."""
        color = pictures.hsv(self.hue, self.rng.uniform(0, 0.12), self.rng.uniform(0.85, 0.97))
        return self.shared("linen", lambda: Material(textures.speckled(self.rng, color, 0.03), (0.5, 0.5)))

    def metal(self) -> Material:
        """Steel, brass or black iron."""
        color = ((0.62, 0.63, 0.65), (0.7, 0.58, 0.32), (0.12, 0.12, 0.13))[self.rng.integers(3)]
        return self.shared("metal", lambda: self.plain(color, specular=0.7, gloss=40))

    def steel(self) -> Material:
        """Brushed steel."""
        return self.shared("steel", lambda: self.plain((0.66, 0.67, 0.69), specular=0.7, gloss=40))

    def ceramic(self) -> Material:
        """White sanitary ware."""
        return self.shared("ceramic", lambda: self.plain((0.93, 0.93, 0.92), specular=0.6, gloss=60))

    def plastic(self, color: Color | None = None) -> Material:
        """Moulded plastic or gloss paint."""
        return self.plain(color or self.any_color(), specular=0.3, gloss=40)

    def matte(self, color: Color) -> Material:
        """Flat paint or card."""
        return Material(textures.speckled(self.rng, color, 0.04, 64), (0.5, 0.5))

    def plain(self, color: Color, specular: float = 0.0, gloss: float = 20.0) -> Material:
        """One even colour."""
        return Material(textures.plain(color), specular=specular, gloss=gloss)

    def glowing(self, color: Color, strength: float) -> Material:
        """A lit lamp shade or bulb."""
        return Material(textures.plain(color), emission=strength)

    def mirror(self) -> Material:
        """Silvered glass."""
        return self.shared("mirror", lambda: Material(textures.plain((0.9, 0.93, 0.92)), mirror=1.0))

    def picture(self, image: np.ndarray, emission: float = 0.0, specular: float = 0.05) -> Material:
        """A picture for a ``panel`` or ``mat``, shown once."""
        return Material(image, emission=emission, specular=specular)
