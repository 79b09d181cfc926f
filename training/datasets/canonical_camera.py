"""One canonical camera for all data: metric depth belongs to a focal length.

A network sees no focal length, so the same picture from a longer lens shows a scene farther away.
Every frame is therefore taken as if by one camera: its depth is multiplied by the canonical focal
length over its own, both in pixels of the network's working width.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CanonicalCamera:
    """The camera a network works with.

    Attributes:
        height, width: the network's working size, pixels, multiples of 32.
        focal_length: pixels of that width.
    """

    height: int
    width: int
    focal_length: float

    def depth_factor(self, focal_length: float, image_width: float) -> float:
        """What true depth is multiplied by, to become canonical depth.

        Args:
            focal_length: of the camera, in pixels of an image ``image_width`` pixels wide. A crop counts as an
                image of the crop's width.
            image_width: width of the part of the image that fills the working width.
        """
        return self.focal_length / (focal_length * self.width / image_width)
