"""A few frames of Cityscapes in the official layout."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH = 1024, 2048
BLOCK = 64

FRAMES = {
    "train": ["aachen_000000_000019", "aachen_000001_000019", "weimar_000010_000019"],
    "val": ["frankfurt_000000_000294"],
}
ENDS = {
    "leftImg8bit": "leftImg8bit.png",
    "gtFine": "gtFine_labelIds.png",
    "disparity": "disparity.png",
    "camera": "camera.json",
}


def path(root: Path, kind: str, split: str, name: str) -> Path:
    """The official place of a file."""
    return root / kind / split / name.split("_")[0] / f"{name}_{ENDS[kind]}"


def camera(name: str) -> dict[str, float]:
    """The official numbers of two of the cameras."""
    if name.startswith("frankfurt"):
        return {"fx": 2268.36, "fy": 2225.5405988775956, "u0": 1048.64, "v0": 519.277, "baseline": 0.222126}
    return {"fx": 2262.52, "fy": 2265.3017905988554, "u0": 1096.98, "v0": 513.137, "baseline": 0.209313}


def images(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks of colour (RGB), all label ids, and disparity from none to the nearest."""
    rng = np.random.default_rng([ord(c) for c in name])

    def blocks(small: np.ndarray) -> np.ndarray:
        return small.repeat(BLOCK, 0).repeat(BLOCK, 1)

    shape = (HEIGHT // BLOCK, WIDTH // BLOCK)
    ids = rng.permutation(np.arange(shape[0] * shape[1]) % 34).reshape(shape).astype(np.uint8)
    disparity = rng.integers(2, 128 * 256, shape).astype(np.uint16)
    disparity[0, :6] = [0, 1, 2, 300, 475, 600]
    return blocks(rng.integers(0, 256, (*shape, 3), np.uint8)), blocks(ids), blocks(disparity)


def write(root: Path) -> Path:
    """The four packages, unpacked, with the frames of ``FRAMES``."""
    for split, names in FRAMES.items():
        for name in names:
            rgb, ids, disparity = images(name)
            write_image(path(root, "leftImg8bit", split, name), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
            write_image(path(root, "gtFine", split, name), ids)
            write_image(path(root, "disparity", split, name), disparity)
            write_camera(path(root, "camera", split, name), camera(name))
    # The labels of the test split are secret, and its frames must be left alone.
    write_image(path(root, "leftImg8bit", "test", "berlin_000000_000019"), np.zeros((8, 16, 3), np.uint8))
    return root


def write_image(file: Path, image: np.ndarray) -> None:
    """A PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), image)


def write_camera(file: Path, values: dict[str, float]) -> None:
    """A camera file with the fields of the official ones."""
    file.parent.mkdir(parents=True, exist_ok=True)
    intrinsic = {key: values[key] for key in ("fx", "fy", "u0", "v0")}
    extrinsic = {"baseline": values["baseline"], "pitch": 0.038, "roll": 0.0, "x": 1.7, "y": 0.1, "yaw": 0.0, "z": 1.2}
    file.write_text(json.dumps({"extrinsic": extrinsic, "intrinsic": intrinsic}, indent=4))


def pack(root: Path, into: Path) -> Path:
    """The packages of ``root`` as the archives that Cityscapes hands out."""
    into.mkdir()
    for kind in ENDS:
        with zipfile.ZipFile(into / f"{kind}_trainvaltest.zip", "w") as archive:
            archive.writestr("README", "Cityscapes")
            for file in sorted((root / kind).rglob("*.*")):
                archive.write(file, file.relative_to(root))
    return into
