"""Whether depth lies in the colour camera's image, or how to bring it there, or why neither can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mtl_perception.depth_logger.registration import Camera, Registration, RegistrationError


@dataclass(frozen=True)
class View:
    """An image's camera: its optical frame, its size, and the camera itself, None where no camera_info tells of it."""

    frame_id: str
    width: int
    height: int
    camera: Camera | None


class Alignment:
    """Brings depth into the colour camera's image where it is not there already.

    Args:
        extrinsics: given two frames, the (4, 4) transform of points from the second into the first, or None.
    """

    def __init__(self, extrinsics: Callable[[str, str], np.ndarray | None]) -> None:
        self._extrinsics = extrinsics
        self._made_for: tuple[Camera, Camera, bytes] | None = None
        self._registration: Registration | None = None

    def align(self, depth: np.ndarray, there: View, colour: View) -> np.ndarray:
        """``depth`` in the colour camera's image: the same array where it lies there already.

        Args:
            depth: (H, W) uint16 millimetres.
            there: the depth camera.
            colour: the colour camera, which is known.

        Raises:
            RegistrationError: it cannot be brought there; the message says what is needed.
        """
        if there.camera is None:
            if there.frame_id == colour.frame_id and (there.width, there.height) == (colour.width, colour.height):
                return depth
            raise RegistrationError(
                f"depth ({_described(there)}) is not in the colour camera's image ({_described(colour)}) and "
                "has no camera_info: take an aligned depth topic, or one with its own camera_info"
            )
        if there.frame_id == colour.frame_id:
            if there.camera.sees_as(colour.camera):
                return depth
            transform = np.eye(4)
        else:
            transform = self._extrinsics(colour.frame_id, there.frame_id)
            if transform is None:
                raise RegistrationError(
                    f"depth is in frame {there.frame_id!r}, colour in {colour.frame_id!r}, and how they lie to each "
                    "other is unknown: take an aligned depth topic, or have the transform on /tf_static "
                    "(for the depth logger also the parameter depth_in_image)"
                )
            if np.allclose(transform, np.eye(4), atol=1e-4) and there.camera.sees_as(colour.camera):
                return depth
        return self._registration_for(there.camera, colour.camera, transform).register(depth)

    def _registration_for(self, depth: Camera, colour: Camera, transform: np.ndarray) -> Registration:
        wanted = (depth, colour, transform.tobytes())
        if self._made_for != wanted:
            self._registration = Registration(depth, colour, transform)
            self._made_for = wanted
        return self._registration


def _described(view: View) -> str:
    return f"{view.width}x{view.height}, frame {view.frame_id!r}"
