"""From settings to a data set folder: which rooms, which views, rendered by several processes."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetInfo
from mtl_perception.dataset_writer import DatasetWriter
from training.errors import ConfigurationError
from training.rooms.camera import Camera
from training.rooms.camera_path import view, walk
from training.rooms.classes import NYU40
from training.rooms.layout import Layout
from training.rooms.render import develop, labels, radiance
from training.rooms.room_types import RECIPES, furnish
from training.rooms.scene import Scene
from training.rooms.shading import TextureAtlas

VIEWS_PER_ROOM = 5
APART = 100.0
"""Metres from room to room along x: the poses of a data set are in one world, and no two rooms in one place."""
FRAMES_PER_TASK = 10
UNFINISHED = ".rooms.json"
"""Holds the settings of a folder that is not finished yet, so that only the same settings resume it."""


@dataclass(frozen=True)
class Settings:
    """What to render.

    Attributes:
        frames: single views, ``VIEWS_PER_ROOM`` a room.
        sequences, frames_per_sequence, rate_hz: walks, one a room.
        width, height, focal: the camera, pixels.
        val: share of the rooms that go to the split ``val``, 0..1.
        seed: the same seed renders the same files.
    """

    frames: int
    sequences: int
    frames_per_sequence: int
    rate_hz: float
    width: int
    height: int
    focal: float
    val: float
    seed: int

    def camera(self) -> Camera:
        """The camera of every frame."""
        return Camera.centred(self.width, self.height, self.focal)


@dataclass(frozen=True)
class Room:
    """One room of the set: ``index`` seeds it, ``names`` are its frames, a walk's in order of time."""

    index: int
    kind: str
    walk: bool
    names: tuple[str, ...]


def rooms(settings: Settings) -> list[Room]:
    """Every room of the set; kinds take turns."""
    kinds = list(np.random.default_rng(settings.seed).permutation(list(RECIPES)))
    plan = [(False, min(VIEWS_PER_ROOM, settings.frames - i)) for i in range(0, settings.frames, VIEWS_PER_ROOM)]
    plan += [(True, settings.frames_per_sequence)] * settings.sequences
    return [
        Room(
            i,
            str(kinds[i % len(kinds)]),
            moving,
            tuple(f"{'walk' if moving else 'room'}{i:04d}_{k:03d}" for k in range(n)),
        )
        for i, (moving, n) in enumerate(plan)
    ]


def describe(settings: Settings) -> DatasetInfo:
    """The set's ``dataset.json``: no room is in both splits."""
    every = rooms(settings)
    count = round(settings.val * len(every))
    if 0 < settings.val < 1 and len(every) > 1:
        count = min(max(count, 1), len(every) - 1)
    chosen = np.random.default_rng([settings.seed, 1]).permutation(len(every))[:count]
    held_out = {every[i].index for i in chosen}
    return DatasetInfo(
        width=settings.width,
        height=settings.height,
        licence="CC0-1.0",
        source=f"synthetic rooms rendered by mtl_perception (python -m training rooms), seed {settings.seed}",
        intrinsics=settings.camera().intrinsics,
        classes=NYU40,
        splits={
            "train": [n for r in every if r.index not in held_out for n in r.names],
            "val": [n for r in every if r.index in held_out for n in r.names],
        },
        sequences={f"walk{r.index:04d}": r.names for r in every if r.walk},
        rate_hz=settings.rate_hz if settings.sequences else None,
    )


def generate(out: Path, settings: Settings, workers: int) -> DatasetInfo:
    """Render the set into ``out``; frames that an interrupted call left whole are kept.

    Raises:
        ConfigurationError: ``out`` holds an unfinished set of other settings, or other files.
        DatasetError: ``out`` already holds a data set.
    """
    info = describe(settings)
    writer = DatasetWriter(out, info)
    _claim(out, settings)
    done = {path.stem for path in (out / "rgb").glob("*.jpg")}
    tasks = list(_tasks(settings, done))
    total = sum(len(r.names) for r in rooms(settings))
    with tqdm(total=total, initial=len(done), unit="frame", desc="rooms") as bar:
        for count in _rendered(out, settings, tasks, workers):
            bar.update(count)
    writer.finish()
    (out / UNFINISHED).unlink()
    return info


def _rendered(out: Path, settings: Settings, tasks: list[tuple[Room, list[int]]], workers: int) -> Iterator[int]:
    """Render all tasks, yielding the number of frames of each as it is done."""
    if workers == 1:
        yield from (render_frames(out, settings, room, todo) for room, todo in tasks)
        return
    # Fresh processes: a fork would copy OpenCV's threads in an unknown state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, max(len(tasks), 1)), context, initializer=cv2.setNumThreads, initargs=(1,)
    ) as pool:
        pending = [pool.submit(render_frames, out, settings, room, todo) for room, todo in tasks]
        try:
            for task in as_completed(pending):
                yield task.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _claim(out: Path, settings: Settings) -> None:
    """Note the settings in ``out``, or check that they are the same as when it was begun."""
    marker, text = out / UNFINISHED, json.dumps(asdict(settings))
    if not marker.exists():
        if any(out.iterdir()):
            raise ConfigurationError(f"{out} is not empty: choose a new folder")
        write_atomically(marker, text.encode())
    elif marker.read_text() != text:
        begun = json.loads(marker.read_text())
        differs = ", ".join(f"{k} {begun.get(k)}" for k, v in asdict(settings).items() if begun.get(k) != v)
        raise ConfigurationError(
            f"{out} was begun with other settings ({differs}): repeat those to resume, or delete it"
        )


def _tasks(settings: Settings, done: set[str]) -> Iterator[tuple[Room, list[int]]]:
    """Rooms with the indices of their frames still to render, few enough at a time to share out."""
    for room in rooms(settings):
        todo = [k for k, name in enumerate(room.names) if name not in done]
        for i in range(0, len(todo), FRAMES_PER_TASK):
            yield room, todo[i : i + FRAMES_PER_TASK]


@lru_cache(maxsize=1)
def build(settings: Settings, room: Room) -> tuple[Layout, Scene, TextureAtlas, list[np.ndarray]]:
    """The furnished room and the poses of its frames."""
    rng = np.random.default_rng([settings.seed, room.index, 2])
    layout, scene = furnish(room.kind, rng)
    camera = settings.camera()
    if room.walk:
        poses = walk(layout, scene, camera, rng, len(room.names), settings.rate_hz)
    else:
        poses = [view(layout, scene, camera, rng) for _ in room.names]
    return layout, scene, TextureAtlas(scene.materials), poses


def render_frames(out: Path, settings: Settings, room: Room, todo: list[int]) -> int:
    """Render and write frames ``todo`` of a room; returns how many."""
    _, scene, atlas, poses = build(settings, room)
    camera = settings.camera()
    writer = DatasetWriter(out, describe(settings))
    look_rng = np.random.default_rng([settings.seed, room.index, 3])
    metered = _exposure(scene, atlas, camera, poses[:: max(len(poses) // 4, 1)], look_rng)
    key = look_rng.uniform(0.75, 1.25)
    gains = np.exp(look_rng.normal(0, 0.04, 3)).astype(np.float32)
    grain, blur = look_rng.uniform(0.005, 0.03), look_rng.uniform(0.0, 0.6) * settings.width / 320
    for k in todo:
        rng = np.random.default_rng([settings.seed, room.index, 4, k])
        seen = labels(scene, camera, poses[k])
        light = radiance(scene, atlas, camera, poses[k], rng)
        level = metered
        if not room.walk:
            # Metered on the view, half way: dark corners stay darker than bright windows.
            level = np.sqrt(metered * _meter(light)) * np.exp(rng.normal(0, 0.15))
        picture = develop(light, key * level, rng, gains, grain, blur)
        pose = poses[k].copy()
        pose[0, 3] += room.index * APART
        writer.write_frame(
            room.names[k], picture, depth=seen.depth, semantic=seen.semantic, instance=seen.instance, pose=pose
        )
    return len(todo)


def _exposure(
    scene: Scene, atlas: TextureAtlas, camera: Camera, poses: list[np.ndarray], rng: np.random.Generator
) -> float:
    """Exposure for a whole room, from thumbnails of a few views."""
    small = Camera.centred(48, 36, camera.intrinsics.fx * 48 / camera.width)
    return float(
        np.exp(np.mean([np.log(_meter(radiance(scene, atlas, small, pose, rng, samples=1))) for pose in poses]))
    )


def _meter(light: np.ndarray) -> float:
    """Exposure that brings the middle of a picture's brightness to a fixed grey."""
    return float(0.36 / np.exp(np.log(light.mean(-1) + 1e-3).mean()))
