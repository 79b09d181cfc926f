"""From frames that can be read to a data set folder: resumed after an interruption, described last."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetInfo
from mtl_perception.dataset_writer import DatasetWriter
from training.errors import ConfigurationError

UNFINISHED = ".prepare.json"
"""Holds the coming ``dataset.json`` of a folder that is not finished, so that nothing else is mixed into it."""


@dataclass(frozen=True)
class Frame:
    """One frame of a public data set.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float metres, 0 = unknown.
        semantic: (H, W) uint8 class ids, 0 = unlabelled.
    """

    rgb: np.ndarray
    depth: np.ndarray
    semantic: np.ndarray


@dataclass(frozen=True)
class PublicSet:
    """A public data set, ready to be converted.

    Attributes:
        info: what its ``dataset.json`` will hold.
        names: its frames.
        read: gives the frame of a name; raises ``DatasetError`` where a file is damaged.
        sizes: split to the number of frames that it has when the set is whole.
    """

    info: DatasetInfo
    names: list[str]
    read: Callable[[str], Frame]
    sizes: Mapping[str, int]


def check_free(out: Path) -> None:
    """Check that ``out`` can be begun or resumed, before anything takes long.

    Raises:
        ConfigurationError: it holds other files.
        DatasetError: it already holds a data set.
        OSError: it cannot be read.
    """
    if (out / "dataset.json").exists():
        raise DatasetError(f"{out} already holds a data set: choose another folder")
    if out.exists() and not (out / UNFINISHED).exists() and any(out.iterdir()):
        raise ConfigurationError(f"{out} is not empty: choose a new folder")


def convert(public: PublicSet, out: Path) -> None:
    """Write all frames and then ``dataset.json``; frames that an interrupted call left whole are kept.

    Raises:
        ConfigurationError: ``out`` was begun with another ``info``.
        DatasetError: a frame cannot be read.
        OSError: ``out`` cannot be written.
    """
    writer = DatasetWriter(out, public.info)
    _claim(out, public.info)
    # Colour is written last: where there is colour, the frame is whole.
    todo = [name for name in public.names if not (out / "rgb" / f"{name}.png").exists()]
    done = len(public.names) - len(todo)
    with tqdm(total=len(public.names), initial=done, unit="frame", desc=out.name) as bar:
        for name in todo:
            frame = public.read(name)
            writer.write_frame(name, frame.rgb, depth=frame.depth, semantic=frame.semantic, jpeg_quality=None)
            bar.update()
    writer.finish()
    (out / UNFINISHED).unlink()


def _claim(out: Path, info: DatasetInfo) -> None:
    """Note in ``out`` what it becomes, or check that it is what was begun."""
    marker, text = out / UNFINISHED, info.to_json()
    if not marker.exists():
        write_atomically(marker, text.encode())
        return
    begun = marker.read_text(encoding="utf-8")
    if begun != text:
        raise ConfigurationError(
            f"{out} was begun from other files or options ({_differing(begun, text)} differ): "
            "repeat those to resume, or delete it"
        )


def _differing(begun: str, wanted: str) -> str:
    """The fields in which two ``dataset.json`` differ."""
    try:
        before = dict(json.loads(begun))
    except (ValueError, TypeError):
        return "all"
    return ", ".join(key for key, value in json.loads(wanted).items() if before.get(key) != value)
