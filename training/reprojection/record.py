"""What labels carried by poses were made of, so that those of other views, poses or options are known for old."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.json_file import write_json
from training.models.tasks import DEPTH, SEMANTIC
from training.reprojection.frames import POSE, Frames

RECORD = "reprojected.json"
"""Beside the labels: by frame the digest of what they were made of."""


def digest_of_views(folder: DatasetFolder, frames: Frames, tolerance: float) -> str:
    """SHA-256 of what all labelled frames say: their depth, poses and classes, the camera, and the tolerance."""
    return hashlib.sha256(json.dumps(_views(folder, frames, tolerance)).encode()).hexdigest()


def made_of(folder: DatasetFolder, frames: Frames, tolerance: float) -> dict[str, str]:
    """By unlabelled frame the SHA-256 of all that its label is made of: it, and the labelled frames of its world."""
    views = _views(folder, frames, tolerance)
    return {n: _digest(folder, [n], (DEPTH, POSE), views[frames.worlds[n]]) for n in frames.unlabelled}


def _views(folder: DatasetFolder, frames: Frames, tolerance: float) -> dict[str, str]:
    """By world the SHA-256 of its labelled frames."""
    worlds: dict[str, list[str]] = {}
    for name in frames.labelled:
        worlds.setdefault(frames.worlds[name], []).append(name)
    kinds = (DEPTH, POSE, SEMANTIC)
    return {world: _digest(folder, names, kinds, tolerance) for world, names in worlds.items()}


def _digest(folder: DatasetFolder, names: Iterable[str], kinds: Iterable[str], more: object) -> str:
    info = folder.info
    camera = [info.depth_per_metre, vars(info.intrinsics), dict(info.classes)]
    digest = hashlib.sha256(json.dumps([camera, more]).encode())
    for name in names:
        digest.update(json.dumps(name).encode())
        for kind in kinds:
            digest.update(hashlib.sha256(folder.path(kind, name).read_bytes()).digest())
    return digest.hexdigest()


def read_record(root: Path) -> dict[str, str]:
    """The record of the labels in ``root``; empty where there is none.

    Raises:
        DatasetError: it is damaged.
    """
    path = root / RECORD
    if not path.exists():
        return {}
    try:
        return {str(name): str(digest) for name, digest in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{path} is damaged ({error}): delete it, and all is labelled anew") from error


def write_record(root: Path, record: dict[str, str]) -> None:
    """Keep it for ``read_record``."""
    write_json(root / RECORD, record)
