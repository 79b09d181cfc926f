"""Writing the data set whose layout ``dataset_folder`` tells."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetInfo, check_name
from mtl_perception.depth_units import depth_units


def write_pose(path: Path, pose: np.ndarray) -> None:
    """Write a (4, 4) camera-to-world pose, metres, to nine decimals."""
    text = "\n".join(" ".join(f"{v:.9f}" for v in row) for row in np.asarray(pose, float)) + "\n"
    write_atomically(path, text.encode())


class DatasetWriter:
    """Write a data set folder, each file whole or not at all.

    ``dataset.json`` is written by ``finish``; frames written before it are kept whatever happens.

    Raises:
        DatasetError: ``root`` already holds a data set, or a frame does not fit ``info``.
    """

    def __init__(self, root: str | os.PathLike[str], info: DatasetInfo) -> None:
        self.root = Path(root)
        self.info = info
        if (self.root / "dataset.json").exists():
            raise DatasetError(f"{self.root} already holds a data set: choose another folder")
        self.root.mkdir(parents=True, exist_ok=True)

    def write_frame(
        self,
        name: str,
        rgb: np.ndarray,
        *,
        depth: np.ndarray | None = None,
        semantic: np.ndarray | None = None,
        instance: np.ndarray | None = None,
        pose: np.ndarray | None = None,
        jpeg_quality: int | None = 95,
    ) -> None:
        """Write one frame; colour last, so that a frame that has colour has all it was given.

        Args:
            name: frame name, see ``check_name``.
            rgb: (H, W, 3) uint8 RGB.
            depth: (H, W) float metres, 0 = unknown; stored in units of 1 / ``depth_per_metre``.
            semantic: (H, W) uint8 class ids, 0 = unlabelled.
            instance: (H, W) uint8 or uint16 object ids, 0 = no object.
            pose: (4, 4) camera-to-world.
            jpeg_quality: 0..100, or None for a PNG.

        Raises:
            DatasetError: the name cannot name a frame, or an array has another size or type; nothing is written.
        """
        check_name(name)
        size = (self.info.height, self.info.width)
        for kind, array, dtypes in (
            ("rgb", rgb, ("uint8",)),
            ("depth", depth, None),
            ("semantic", semantic, ("uint8",)),
            ("instance", instance, ("uint8", "uint16")),
        ):
            if array is None:
                continue
            if array.shape != ((*size, 3) if kind == "rgb" else size):
                raise DatasetError(f"{kind} of {name} has shape {array.shape}, the set is {size[0]}x{size[1]}")
            # OpenCV would store other types as 8 bits, ids above 255 all alike.
            if dtypes and array.dtype.name not in dtypes:
                raise DatasetError(f"{kind} of {name} is {array.dtype}, not {' or '.join(dtypes)}")
        if pose is not None and (np.shape(pose) != (4, 4) or not np.isfinite(pose).all()):
            raise DatasetError(f"pose of {name} is not 4 rows of 4 finite numbers")
        if depth is not None:
            self._write_png("depth", name, depth_units(depth, self.info.depth_per_metre))
        if semantic is not None:
            self._write_png("semantic", name, semantic)
        if instance is not None:
            self._write_png("instance", name, instance)
        if pose is not None:
            write_pose(self.root / "pose" / f"{name}.txt", pose)
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if jpeg_quality is None:
            self._write_png("rgb", name, bgr)
        else:
            _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
            write_atomically(self.root / "rgb" / f"{name}.jpg", data.tobytes())

    def finish(self) -> None:
        """Write ``dataset.json``: from now on the folder opens."""
        write_atomically(self.root / "dataset.json", self.info.to_json().encode())

    def _write_png(self, kind: str, name: str, image: np.ndarray) -> None:
        _, data = cv2.imencode(".png", image)
        write_atomically(self.root / kind / f"{name}.png", data.tobytes())
