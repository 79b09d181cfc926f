"""Run a network on pictures from disk and leave its answers beside each other in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from mtl_perception.atomic_write import check_writable, write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.depth_units import depth_units
from mtl_perception.network import Network, Prediction
from mtl_perception.picture import PictureError, decode_picture
from mtl_perception.visualize import Palette, side_by_side, viewing_range

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


@dataclass(frozen=True)
class _Picture:
    name: str
    path: Path
    focal_length: float | None


def predict(source: Path, network: Network, out: Path, focal_length: float | None = None) -> int:
    """Predict every picture of ``source`` and write the results to ``out``.

    For each picture NAME: ``NAME_depth.png`` (uint16 millimetres, 0 outside the network's range),
    ``NAME_semantic.png`` (uint8 class ids), ``NAME_confidence.png`` (uint8) and ``NAME_preview.jpg``.

    Args:
        source: a picture, a folder of pictures, or a data set folder.
        network: what to run.
        out: folder to write to.
        focal_length: the camera's, pixels; None takes the data set's, else the network's canonical one.

    Returns:
        How many pictures were predicted.

    Raises:
        DatasetError: there are no pictures, two of one name, or one is damaged; or ``out`` is the folder
            they are in, where the results would be predicted in their turn.
        OSError: ``out`` cannot be written to.
    """
    pictures = list(_pictures(source, focal_length))
    if not pictures:
        raise DatasetError(f"{source} holds no pictures ({', '.join(sorted(_SUFFIXES))})")
    if source.is_dir() and pictures[0].path.parent.resolve() == out.resolve():
        raise DatasetError(
            f"the pictures are in {out} themselves, and next time the results would be taken for pictures: "
            "choose another folder"
        )
    twice = [name for name, count in Counter(p.name for p in pictures).items() if count > 1]
    if twice:
        raise DatasetError(f"{source} has two pictures named {twice[0]}, whose results would be one: rename one")
    check_writable(out)
    for picture in tqdm(pictures, unit="picture", disable=None):
        try:
            rgb = cv2.cvtColor(decode_picture(picture.path.read_bytes()), cv2.COLOR_BGR2RGB)
        except PictureError as error:
            raise DatasetError(f"{picture.path}: {error}") from error
        _write(out, picture.name, rgb, network.predict(rgb, picture.focal_length), network)
    return len(pictures)


def _pictures(source: Path, focal_length: float | None) -> Iterator[_Picture]:
    if (source / "dataset.json").exists():
        folder = DatasetFolder(source)
        camera = folder.info.intrinsics
        for name in folder.names():
            yield _Picture(name, folder.path("rgb", name), focal_length or (camera.fx if camera else None))
    elif source.is_dir():
        for path in sorted(source.iterdir()):
            if path.suffix.lower() in _SUFFIXES and path.is_file():
                yield _Picture(path.stem, path, focal_length)
    elif source.exists():
        yield _Picture(source.stem, source, focal_length)
    else:
        raise DatasetError(f"there is no picture or folder {source}")


def _write(out: Path, name: str, rgb: np.ndarray, prediction: Prediction, network: Network) -> None:
    depth, (nearest, farthest) = prediction.depth, prediction.depth_range
    depth = np.where((depth >= nearest) & (depth <= farthest), depth, 0)
    preview = side_by_side(rgb, depth, prediction.segmentation, Palette(network.card.classes), viewing_range([depth]))
    for suffix, image in (
        ("_depth.png", depth_units(depth, 1000)),
        ("_semantic.png", prediction.segmentation),
        ("_confidence.png", prediction.confidence),
        ("_preview.jpg", cv2.cvtColor(preview, cv2.COLOR_RGB2BGR)),
    ):
        _, data = cv2.imencode(Path(suffix).suffix, image)
        write_atomically(out / f"{name}{suffix}", data.tobytes())
