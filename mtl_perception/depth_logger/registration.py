"""Depth brought into the colour camera's image, where the two cameras differ.

Each pixel of depth is a small square facing the depth camera. Its centre becomes a ray, then a point at the measured
depth, then a place in the colour image; its size there follows from the focal lengths and the two distances. Where
several fall on a pixel the nearest counts. Colour pixels that no measured surface covers, and those whose surface the
depth camera could not see, stay unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mtl_perception.dataset_folder import Intrinsics

_SAME_FOCAL = 0.002
"""Relative difference of focal lengths below which nothing moves by a pixel."""
_SAME_CENTRE = 0.5
"""Pixels."""
_LARGEST_FOOTPRINT = 8
"""Colour pixels along a side that one pixel of depth may cover."""
_COEFFICIENTS = {"plumb_bob": (4, 5), "rational_polynomial": (8,)}
"""How many coefficients a model may have, all in OpenCV's order."""
_BENT = 1.1
"""How much larger than elsewhere a distorted image shows things, at the most worth filling."""
_OVERLAP = 1e-3
"""Pixels by which neighbours overlap, so that rounding leaves no gap between them."""
_FAR = 10**6
_NOTHING = 65536
"""Millimetres, beyond what 16 bits hold."""


class RegistrationError(ValueError):
    """The cameras are such that depth cannot be brought from one to the other."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera and its image.

    Attributes:
        width, height: pixels.
        intrinsics: of this size.
        distortion: coefficients of ``model``; empty or zero for none.
        model: as CameraInfo names them. Depth is brought to and from ``plumb_bob`` and ``rational_polynomial``.
    """

    width: int
    height: int
    intrinsics: Intrinsics
    distortion: tuple[float, ...] = ()
    model: str = "plumb_bob"

    @property
    def is_distorted(self) -> bool:
        """Whether straight lines come out bent."""
        return any(self.distortion)

    @property
    def is_known(self) -> bool:
        """Whether its distortion, if any, is by a model that is known here."""
        return not self.is_distorted or len(self.distortion) in _COEFFICIENTS.get(self.model, ())

    def sees_as(self, other: Camera) -> bool:
        """Whether a thing has the same pixel in both, the cameras being in one place."""
        ours, theirs = self.intrinsics, other.intrinsics
        return (
            (self.width, self.height) == (other.width, other.height)
            and np.allclose(_padded(self.distortion), _padded(other.distortion), atol=1e-4)
            and (not self.is_distorted or self.model == other.model)
            and abs(ours.fx / theirs.fx - 1) < _SAME_FOCAL
            and abs(ours.fy / theirs.fy - 1) < _SAME_FOCAL
            and abs(ours.cx - theirs.cx) < _SAME_CENTRE
            and abs(ours.cy - theirs.cy) < _SAME_CENTRE
        )


class Registration:
    """Brings depth images of one camera into the image of another.

    Args:
        depth: the depth camera.
        colour: the colour camera.
        colour_from_depth: (4, 4) rigid transform of points from the depth camera's optical frame into the colour
            camera's, metres.

    Raises:
        RegistrationError: distortion of an unknown kind.
    """

    def __init__(self, depth: Camera, colour: Camera, colour_from_depth: np.ndarray) -> None:
        for camera in (depth, colour):
            if not camera.is_known:
                raise RegistrationError(
                    f"images distorted by the model {camera.model!r} of {len(camera.distortion)} coefficients "
                    "cannot be brought onto others: use a rectified topic, or an aligned depth topic"
                )
        self._depth = depth
        self._colour = colour
        # One row a coordinate: numpy takes single pixels out of rows many times faster than out of columns.
        self._shift = colour_from_depth[:3, 3].astype(np.float32)[:, None]
        rotation = colour_from_depth[:3, :3].astype(np.float32)
        rays = pixel_rays(depth)
        self._rays = rotation @ rays.reshape(3, -1)
        spacing = np.stack([np.abs(np.gradient(rays[0], axis=1)), np.abs(np.gradient(rays[1], axis=0))])
        # Of a turned square, the upright one around it.
        upright = np.abs(rotation[:2, :2]) @ spacing.reshape(2, -1)
        self._focal = np.array([[colour.intrinsics.fx], [colour.intrinsics.fy]], np.float32)
        self._centre = np.array([[colour.intrinsics.cx], [colour.intrinsics.cy]], np.float32)
        self._reach = _reach(colour.distortion) if colour.is_distorted else np.inf
        self._sizes = upright * self._focal * np.float32(_BENT if colour.is_distorted else 1.0)

    def register(self, depth: np.ndarray) -> np.ndarray:
        """Bring ``depth`` over.

        Args:
            depth: (H, W) uint16 millimetres of the depth camera, 0 unknown.

        Returns:
            (h, w) uint16 millimetres of the colour camera along its own axis, 0 unknown.

        Raises:
            RegistrationError: it is of another size than the depth camera.
        """
        if depth.shape != (self._depth.height, self._depth.width):
            raise RegistrationError(
                f"depth is {depth.shape[1]}x{depth.shape[0]}, its camera_info says "
                f"{self._depth.width}x{self._depth.height}"
            )
        known = np.flatnonzero(depth)
        metres = depth.reshape(-1)[known].astype(np.float32) / np.float32(1000)
        points = self._rays[:, known] * metres + self._shift
        millimetres = np.rint(points[2] * np.float32(1000))
        visible = (millimetres > 0) & (millimetres < _NOTHING)
        if self._reach < np.inf:
            visible &= np.hypot(points[0], points[1]) < np.float32(self._reach) * points[2]
        if not visible.all():
            known, metres, millimetres, points = (
                known[visible],
                metres[visible],
                millimetres[visible],
                points[:, visible],
            )
        flat = points[:2] / points[2]
        if self._colour.is_distorted:
            flat = bend(flat.T, self._colour.distortion).T
        pixels = flat * self._focal + self._centre
        half = self._sizes[:, known] * (metres / points[2]) / 2 + np.float32(_OVERLAP)
        # Far out of the image all are alike, and whole numbers have an end.
        first = np.ceil(np.clip(pixels - half, -_FAR, _FAR)).astype(np.int32)
        beyond = np.ceil(np.clip(pixels + half, -_FAR, _FAR)).astype(np.int32)
        return self._nearest(first, beyond - first, millimetres.astype(np.uint16))

    def _nearest(self, first: np.ndarray, span: np.ndarray, millimetres: np.ndarray) -> np.ndarray:
        """The image in which rectangles of pixels from ``first``, ``span`` wide and high, hold the nearest depth.

        Both are (2, N), columns and rows.
        """
        height, width = self._colour.height, self._colour.width
        # Assigned from far to near: what comes later stays. A stable sort of 16 bits is a fast one.
        order = np.argsort(millimetres, kind="stable")[::-1]
        (left, top), millimetres = first[:, order], millimetres[order]
        across, down = np.minimum(span[:, order], _LARGEST_FOOTPRINT)
        nearest = np.full(height * width, _NOTHING, np.int32)
        layer = np.empty_like(nearest)
        for dx, dy in np.ndindex(across.max(initial=0), down.max(initial=0)):
            column, row = left + dx, top + dy
            covered = np.flatnonzero(
                (dx < across) & (dy < down) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
            )
            layer.fill(_NOTHING)
            layer[row[covered] * width + column[covered]] = millimetres[covered]
            np.minimum(nearest, layer, out=nearest)
        return np.where(nearest < _NOTHING, nearest, 0).astype(np.uint16).reshape(height, width)


def bend(flat: np.ndarray, distortion: tuple[float, ...]) -> np.ndarray:
    """Distort points (N, 2) at z = 1 as ``cv2.projectPoints`` does, for the first eight coefficients (k, p, k)."""
    k1, k2, p1, p2, k3, k4, k5, k6 = _padded(distortion)[:8].astype(flat.dtype)
    x, y = flat[:, 0], flat[:, 1]
    square = x * x + y * y
    radial = (1 + square * (k1 + square * (k2 + square * k3))) / (1 + square * (k4 + square * (k5 + square * k6)))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def _reach(distortion: tuple[float, ...]) -> float:
    """The distance from the axis at z = 1 beyond which ``bend`` brings points back towards it, as no lens does.

    The radial part is r N(s) / D(s) of s = r^2; its derivative's numerator is N D + 2 s (N' D - N D').
    """
    k1, k2, _, _, k3, k4, k5, k6 = _padded(distortion)[:8]
    above, below = np.poly1d([k3, k2, k1, 1]), np.poly1d([k6, k5, k4, 1])
    slope = above * below + np.poly1d([2, 0]) * (above.deriv() * below - above * below.deriv())
    roots = np.concatenate([slope.roots, below.roots])
    ends = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)]
    return float(np.sqrt(ends.min(initial=np.inf)))


def pixel_rays(camera: Camera) -> np.ndarray:
    """Directions with z = 1 of the pixels' centres, (3, H, W) float32."""
    c = camera.intrinsics
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    flat = np.stack([(columns - c.cx) / c.fx, (rows - c.cy) / c.fy], axis=-1)
    if camera.is_distorted:
        flat = cv2.undistortPoints(flat.reshape(-1, 1, 2), np.eye(3), _padded(camera.distortion)).reshape(flat.shape)
    return np.stack([flat[..., 0], flat[..., 1], np.ones(columns.shape)]).astype(np.float32)


def _padded(distortion: tuple[float, ...]) -> np.ndarray:
    return np.pad(np.array(distortion, float), (0, 14 - len(distortion)))
