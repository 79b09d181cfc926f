"""Pictures of a scene: exact labels from one ray a pixel, colour from shaded and supersampled rays."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.rooms.camera import Camera
from training.rooms.scene import RAY_OFFSET, Hits, Light, Scene
from training.rooms.shading import TextureAtlas, smooth

SAMPLES = 2
"""Colour rays a pixel side."""

AMBIENT_RAYS = 4
AMBIENT_REACH = 1.2
"""Metres within which things darken the ambient light."""


@dataclass(frozen=True)
class Labels:
    """What each pixel centre sees.

    Attributes:
        depth: (H, W) float64 metres along the optical axis, 0 = nothing.
        semantic: (H, W) uint8 class ids, 0 = nothing.
        instance: (H, W) uint16 object ids, 0 = the building.
    """

    depth: np.ndarray
    semantic: np.ndarray
    instance: np.ndarray


def labels(scene: Scene, camera: Camera, pose: np.ndarray) -> Labels:
    """Depth, classes and objects seen through the pixel centres."""
    hits = scene.trace(*camera.rays(pose))
    seen = hits.face >= 0
    shape = (camera.height, camera.width)
    return Labels(
        np.where(seen, hits.distance, 0.0).reshape(shape),
        np.where(seen, scene.face_class[hits.face], 0).astype(np.uint8).reshape(shape),
        np.where(seen, scene.face_instance[hits.face], 0).astype(np.uint16).reshape(shape),
    )


@dataclass
class _Points:
    """Surface points to shade, one a ray: where, which triangle, how it faces, how coarse a texel is needed."""

    face: np.ndarray
    position: np.ndarray
    toward_eye: np.ndarray
    geometric: np.ndarray
    normal: np.ndarray
    uv: np.ndarray
    footprint: np.ndarray


def radiance(
    scene: Scene,
    atlas: TextureAtlas,
    camera: Camera,
    pose: np.ndarray,
    rng: np.random.Generator,
    samples: int = SAMPLES,
) -> np.ndarray:
    """Linear light that reaches the camera, (H, W, 3) float32.

    Direct light of every lamp and window with soft shadows (one jittered shadow ray a sample, smoothed
    along surfaces), ambient light dimmed by nearby surfaces, highlights, and mirrors one bounce deep.
    """
    origins, directions = camera.rays(pose, samples)
    hits = scene.trace(origins, directions)
    pixel = 1.0 / (camera.intrinsics.fx * samples)
    points = _points(scene, origins, directions, hits, np.zeros(len(origins), np.float32), pixel)
    tint = _reflect(scene, atlas, points, hits, directions, pixel)
    material = scene.face_material[points.face]
    albedo = atlas.sample(material, points.uv, points.footprint) * tint
    diffuse, highlight = _lit(scene, atlas, points, material, rng)
    shape = (camera.height * samples, camera.width * samples)
    distance = np.where(np.isfinite(hits.distance), hits.distance, 0).astype(np.float32)
    guide = (distance.reshape(shape), points.normal.reshape(*shape, 3), scene.face_instance[points.face].reshape(shape))
    diffuse = smooth(diffuse.reshape(*shape, 3), *guide).reshape(-1, 3)
    color = albedo * (diffuse + atlas.emission[material][:, None]) + highlight
    color[hits.face < 0] = 0
    color = color.reshape(camera.height, samples, camera.width, samples, 3)
    # A bright spot counts no more than white, or its edge would stay jagged.
    return np.minimum(color, 4.0).mean(axis=(1, 3))


def _points(
    scene: Scene, origins: np.ndarray, directions: np.ndarray, hits: Hits, travelled: np.ndarray, pixel: float
) -> _Points:
    face = np.maximum(hits.face, 0)
    distance = np.where(hits.face >= 0, hits.distance, 1.0).astype(np.float32)
    away = directions.astype(np.float32)
    position = origins.astype(np.float32) + distance[:, None] * away
    toward_eye = away * (-1 / _length(away))[:, None]
    geometric = scene.face_normal[face].astype(np.float32)
    facing = _dot(geometric, toward_eye)
    geometric *= np.where(facing < 0, np.float32(-1), np.float32(1))[:, None]
    weights = ((1 - hits.u - hits.v)[:, None], hits.u[:, None], hits.v[:, None])
    normal = sum(w * scene.corner_normals[i][face] for i, w in enumerate(weights))
    normal *= (np.where(_dot(normal, geometric) < 0, -1, 1) / np.maximum(_length(normal), 1e-6))[:, None]
    uv = sum(w * scene.corner_uv[i][face] for i, w in enumerate(weights))
    footprint = (distance + travelled) * pixel / np.sqrt(np.clip(np.abs(facing), 0.05, 1))
    return _Points(face, position, toward_eye, geometric, normal.astype(np.float32), uv, footprint.astype(np.float32))


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def _length(a: np.ndarray) -> np.ndarray:
    return np.sqrt(_dot(a, a))


def _reflect(
    scene: Scene, atlas: TextureAtlas, points: _Points, hits: Hits, directions: np.ndarray, pixel: float
) -> np.ndarray:
    """Replace points on mirrors by what they show; returns the mirrors' tint, (N, 3), 1 elsewhere."""
    tint = np.ones((len(hits.face), 3), np.float32)
    material = scene.face_material[points.face]
    rows = np.flatnonzero((atlas.mirror[material] > 0) & (hits.face >= 0))
    if not len(rows):
        return tint
    tint[rows] = atlas.sample(material[rows], points.uv[rows], points.footprint[rows])
    normal = points.geometric[rows].astype(float)
    incoming = directions[rows]
    bounced = incoming - 2 * _dot(incoming, normal)[:, None] * normal
    origins = points.position[rows] + RAY_OFFSET * normal
    second = scene.trace(origins, bounced)
    shown = _points(scene, origins, bounced, second, hits.distance[rows].astype(np.float32), pixel)
    for name in vars(points):
        getattr(points, name)[rows] = getattr(shown, name)
    return tint


def _lit(
    scene: Scene, atlas: TextureAtlas, points: _Points, material: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Irradiance over pi and highlights, each (N, 3) float32."""
    start = points.position + np.float32(RAY_OFFSET) * points.geometric
    diffuse = _ambient(scene, points, start, rng)
    highlight = np.zeros_like(diffuse)
    specular, gloss = atlas.specular[material], atlas.gloss[material]
    for light in scene.lights:
        share = _arriving(scene, light, points, start, rng)
        color = light.intensity.astype(np.float32)
        diffuse += share[:, None] * color
        rows = np.flatnonzero((share > 1e-3) & (specular > 0))
        # Towards the light's middle: a highlight of jittered rays would glitter.
        toward = light.center.astype(np.float32) - start[rows] if light.beam is None else light.beam.astype(np.float32)
        half = toward / np.maximum(_length(np.atleast_2d(toward)), 1e-4)[:, None] + points.toward_eye[rows]
        spread = np.maximum(_dot(half, points.normal[rows]) / np.maximum(_length(half), 1e-6), 0) ** gloss[rows]
        highlight[rows] += (specular[rows] * spread * share[rows])[:, None] * color
    return diffuse, highlight


def _ambient(scene: Scene, points: _Points, start: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ambient light with the share of short random rays that escape."""
    n = len(start)
    open_share = np.zeros(n, np.float32)
    sphere = rng.standard_normal((4096, 3), np.float32)
    sphere *= (0.9999 / _length(sphere))[:, None]
    for i in range(AMBIENT_RAYS):
        # A random point of the unit sphere on the normal's tip: cosine-distributed directions (Lambert).
        direction = sphere[rng.integers(len(sphere), size=n, dtype=np.uint16)] + points.normal
        direction /= _length(direction)[:, None]
        reach = AMBIENT_REACH * (i + rng.random(n, np.float32)) / AMBIENT_RAYS + 0.01
        open_share += ~scene.occluded(start, direction, reach)
    level = (0.25 + 0.75 * open_share / AMBIENT_RAYS) * (0.82 + 0.18 * points.normal[:, 2])
    return level[:, None] * scene.ambient.astype(np.float32)


def _arriving(scene: Scene, light: Light, points: _Points, start: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Share of a light that arrives, (N,)."""
    if light.beam is not None:
        return _sunshine(scene, light, points, start)
    n = len(start)
    jitter = 2 * rng.random((n, 2), np.float32) - 1
    aim = light.center.astype(np.float32) + jitter[:, :1] * light.half_u.astype(np.float32)
    aim += jitter[:, 1:] * light.half_v.astype(np.float32)
    toward = aim - start
    distance = _length(toward)
    toward /= np.maximum(distance, 1e-4)[:, None]
    share = np.maximum(_dot(toward, points.normal), 0)
    if light.normal.any():
        share *= np.maximum(-toward @ light.normal.astype(np.float32), 0)
    share /= distance**2 + 0.15
    rows = np.flatnonzero(share * light.intensity.max() > 2e-3)
    share[share * light.intensity.max() <= 2e-3] = 0  # not worth a shadow ray
    share[rows[scene.occluded(start[rows], toward[rows], distance[rows] - 0.02)]] = 0
    return share


def _sunshine(scene: Scene, light: Light, points: _Points, start: np.ndarray) -> np.ndarray:
    """As ``_arriving``, for parallel light through an opening."""
    beam = light.beam.astype(np.float32)
    share = np.maximum(points.normal @ beam, 0)
    reach = (light.center.astype(np.float32) - start) @ light.normal.astype(np.float32) / (light.beam @ light.normal)
    offset = start + reach[:, None] * beam - light.center.astype(np.float32)
    inside = (reach > 0) & (share > 0)
    for half in (light.half_u, light.half_v):
        inside &= np.abs(offset @ half.astype(np.float32)) < half @ half
    rows = np.flatnonzero(inside)
    toward = np.broadcast_to(beam, (len(rows), 3))
    share[~inside] = 0
    share[rows[scene.occluded(start[rows], toward, reach[rows])]] = 0
    return share


def develop(
    light: np.ndarray, exposure: float, rng: np.random.Generator, gains: np.ndarray, grain: float, blur: float
) -> np.ndarray:
    """Make an 8-bit picture of light as a camera would: lens blur, exposure, white balance, noise, tone curve."""
    picture = cv2.GaussianBlur(light, (0, 0), blur) if blur > 0.15 else light
    picture = picture * (exposure * gains).astype(np.float32)
    picture = 1 - np.exp(-picture)
    noise = rng.standard_normal(picture.shape, np.float32)
    picture += grain * np.sqrt(np.maximum(picture, 0.002)) * noise
    picture = np.clip(picture, 0, 1) ** (1 / 2.2)
    picture += 0.4 * (picture * picture * (3 - 2 * picture) - picture)
    return np.rint(255 * picture).astype(np.uint8)
