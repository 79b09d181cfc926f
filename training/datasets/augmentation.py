"""Random views of a frame: flip, zoom, colour."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import v2

MAX_ZOOM = 1.5


@dataclass(frozen=True)
class View:
    """A part of the image: left, top, width and height in pixels, mirrored or not."""

    left: int
    top: int
    width: int
    height: int
    mirrored: bool = False


def random_view(width: int, height: int) -> View:
    """A mirror image half of the time, zoomed 1 to ``MAX_ZOOM`` times at a random place.

    A zoom z is a crop 1/z as wide and as high: the focal length becomes z times longer, so canonical
    depth becomes 1/z of the true one (MTI-Net divides depth by the zoom, for the same reason).
    """
    draw = torch.rand(4).tolist()
    zoom = 1 + draw[0] * (MAX_ZOOM - 1)
    part_width, part_height = round(width / zoom), round(height / zoom)
    left = round(draw[1] * (width - part_width))
    top = round(draw[2] * (height - part_height))
    return View(left, top, part_width, part_height, draw[3] < 0.5)


class RandomColour:
    """Brightness, contrast, saturation and hue of an RGB image (3, H, W) in 0..1.

    Args:
        strong: more of it, and blur, grey and a patch of noise beside: a student that is harder put to it than its
            teacher was (Xie et al. 2020, noisy student).
    """

    def __init__(self, strong: bool = False) -> None:
        jitter = v2.ColorJitter(brightness=0.4, contrast=0.3, saturation=0.3, hue=0.04)
        hard = [
            v2.ColorJitter(brightness=0.6, contrast=0.6, saturation=0.6, hue=0.1),
            v2.RandomGrayscale(0.1),
            v2.RandomApply([v2.GaussianBlur(5, (0.1, 2.0))], 0.3),
            v2.RandomErasing(0.5, scale=(0.02, 0.15), value="random"),
        ]
        self.jitter = v2.Compose(hard) if strong else jitter

    def __call__(self, image: Tensor) -> Tensor:
        """The image in another light."""
        return self.jitter(image).clamp(0, 1)
