"""Frames such as the network will see, of a recording or a data set folder: to calibrate, compare or time it on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.deployment.errors import DeploymentError
from mtl_perception.evaluation.frames import FrameReader
from mtl_perception.evaluation.topics import Topics, choose_image
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.errors import BagError


def frames_of(source: str, count: int, image: str | None = None) -> Iterator[np.ndarray]:
    """Colour frames of ``source``, spread evenly over it, in its order.

    Args:
        source: a recording (a file or folder, as ``open_bag`` takes it), a data set folder, or ``FOLDER:SPLIT``.
        count: how many; fewer come of a source that has fewer. Images of a recording that cannot be decoded are
            left out.
        image: the topic of a recording; None for the only one there is.

    Yields:
        (H, W, 3) uint8 RGB, of any size.

    Raises:
        DeploymentError: there is no such source, it is damaged, or not one frame of it can be used; several topics
            could be meant; or there is a topic, but the source is a folder, which has none.
    """
    try:
        yield from _of_bag(source, count, image) if _is_bag(source) else _of_folder(source, count, image)
    except (BagError, DatasetError) as error:
        raise DeploymentError(str(error)) from error


def _is_bag(source: str) -> bool:
    path = Path(source)
    if path.exists():
        return not (path / "dataset.json").exists()
    folder, colon, _ = source.rpartition(":")
    if not (colon and Path(folder).exists()):
        raise DeploymentError(f"there is no recording or data set folder {source}")
    return False


def _of_bag(source: str, count: int, image: str | None) -> Iterator[np.ndarray]:
    with open_bag(source) as bag:
        topic = choose_image(bag, image)
        reader = FrameReader(bag, Topics(topic))
        came = False
        for frame in reader.frames({int(i) for i in _spread(bag.topics[topic].count, count)}):
            came = True
            yield frame.rgb
    if not came:
        reason = next(iter(reader.skipped), "it holds fewer messages than it says")
        raise DeploymentError(f"no image of {topic} in {source} can be used: {reason}")


def _of_folder(source: str, count: int, image: str | None) -> Iterator[np.ndarray]:
    if image is not None:
        raise DeploymentError(f"{source} is a data set folder and has no topic {image}")
    root, split = (source, None) if Path(source).exists() else source.rsplit(":", 1)
    folder = DatasetFolder(root)
    names = folder.names(split)
    if not names:
        raise DeploymentError(f"{source} has no frames")
    for i in _spread(len(names), count):
        yield folder.read_rgb(names[i])


def _spread(available: int, count: int) -> np.ndarray:
    """Indices of ``count`` of ``available``, evenly spaced, the first and the last among them."""
    return np.linspace(0, available - 1, min(count, available)).round().astype(int)
