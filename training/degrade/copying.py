"""A copy of a data set folder, all as it is but what a worse sensor measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import INDEX_FOLDER
from mtl_perception.dataset_writer import write_pose
from mtl_perception.depth_units import depth_units
from training.degrade.localisation import LOCALISATION, wrong_pose
from training.degrade.sensors import SENSORS, Sensor, check_level
from training.errors import ConfigurationError

UNFINISHED = ".degrade.json"
"""Says with what a folder was begun that is not finished."""
_KINDS = ("rgb", "depth", "semantic", "instance", "pose")


def degrade(folder: DatasetFolder, out: Path, sensor: str, level: float, seed: int) -> None:
    """Write the copy; ``dataset.json`` comes last, so that a folder that opens is whole.

    Raises:
        ConfigurationError: ``out`` holds something else, ``folder`` nothing to degrade or no intrinsics, or such a
            level cannot be.
        DatasetError: a depth or pose file is damaged.
        OSError: the disk is full, or there is no permission.
    """
    check_level(sensor, level)
    changed = changed_by(sensor)
    if folder.info.intrinsics is None and changed == "depth":
        raise ConfigurationError(
            f"{folder.root} has no intrinsics, and noise depends on them: add them to dataset.json"
        )
    if not any(folder.has(changed, name) for name in folder.names()):
        raise ConfigurationError(f"{folder.root} has no {changed} to degrade")
    words = f"{sensor}, level {level:g}, seed {seed}"
    _begin(out, {"of": str(folder.root.resolve()), changed: words})
    for kind in (*_KINDS, INDEX_FOLDER):  # Without the index, nothing tells which frames are of one run.
        if kind != changed:
            _copy_all(folder.root / kind, out / kind)
    for name in tqdm(folder.names(), desc=f"degrading {folder.name}", unit="frame", disable=None):
        if folder.has(changed, name):
            path = out / changed / folder.path(changed, name).name
            if changed == "pose":
                write_pose(path, wrong_pose(folder.read_pose(name), level, _noise_of(name, seed)))
            else:
                measured = measure(folder, name, SENSORS[sensor], level, seed)
                png = cv2.imencode(".png", depth_units(measured, folder.info.depth_per_metre))[1]
                write_atomically(path, png.tobytes())
    info = replace(folder.info, source=f"{folder.info.source}; {changed} degraded: {words}")
    write_atomically(out / "dataset.json", info.to_json().encode())
    (out / UNFINISHED).unlink()


def measure(folder: DatasetFolder, name: str, sensor: Sensor, level: float, seed: int) -> np.ndarray:
    """A frame's depth as ``sensor`` measured it: (H, W) float32 metres, 0 = unknown."""
    assert folder.info.intrinsics is not None
    return sensor(folder.read_depth(name), folder.info.intrinsics, level, _noise_of(name, seed))


def changed_by(sensor: str) -> str:
    """The kind of files that are not copied as they are: ``depth`` or ``pose``."""
    return "pose" if sensor == LOCALISATION else "depth"


def _noise_of(name: str, seed: int) -> np.random.Generator:
    """A frame's own, whatever frames come before it."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _begin(out: Path, settings: dict[str, str]) -> None:
    mark = out / UNFINISHED
    if mark.exists():
        if (begun := mark.read_text(encoding="utf-8", errors="replace").strip()) != json.dumps(settings):
            raise ConfigurationError(f"{out} was begun otherwise ({begun}): choose another folder")
    elif out.exists() and any(out.iterdir()):
        raise ConfigurationError(f"{out} is not empty: choose another folder")
    else:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(mark, (json.dumps(settings) + "\n").encode())


def _copy_all(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        copy = target / path.name
        if path.is_file() and not copy.exists():
            write_atomically(copy, path.read_bytes())
