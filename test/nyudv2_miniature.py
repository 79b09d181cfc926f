"""A few frames of NYU Depth v2 in files of the official formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from training.rooms.classes import NYU40

HEIGHT, WIDTH = 480, 640
LABELS = 894


@dataclass
class Contents:
    """What the files hold, rows first."""

    images: list[np.ndarray]
    depths: list[np.ndarray]
    raw_depths: list[np.ndarray]
    labels: list[np.ndarray]
    names: list[str]
    class_of: list[int]
    train: list[int]
    test: list[int]


def contents(frames: int = 5) -> Contents:
    """Blocks of colour, depth and labels; holes in the measured depth; every third frame is of the split test."""
    rng = np.random.default_rng(0)

    def blocks(low: float, high: float, *channels: int) -> np.ndarray:
        small = rng.uniform(low, high, (HEIGHT // 32, WIDTH // 32, *channels))
        return small.repeat(32, 0).repeat(32, 1)

    depths = [blocks(0.7, 10).astype(np.float32) for _ in range(frames)]
    names = ["book", "bottle", "cabinet", *(f"label {i}" for i in range(4, LABELS + 1))]
    labels = [blocks(0, LABELS + 1).astype(np.uint16) for _ in range(frames)]
    labels[0][:2, :3] = [[0, 1, 2], [3, LABELS - 1, LABELS]]
    return Contents(
        images=[blocks(0, 256, 3).astype(np.uint8) for _ in range(frames)],
        depths=depths,
        raw_depths=[np.where(blocks(0, 1) < 0.2, 0, depth).astype(np.float32) for depth in depths],
        labels=labels,
        names=names,
        class_of=[40, 40, 3, *(int(i) for i in rng.integers(1, 41, LABELS - 3))],
        train=[i for i in range(1, frames + 1) if i % 3],
        test=[i for i in range(1, frames + 1) if i % 3 == 0],
    )


def write(root: Path, data: Contents) -> Path:
    """The three official files in ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    write_labelled(root / "nyu_depth_v2_labeled.mat", data)
    write_splits(root / "splits.mat", data.train, data.test)
    write_mapping(root / "classMapping40.mat", data.names, data.class_of)
    return root


def write_labelled(path: Path, data: Contents) -> None:
    """MATLAB 7.3: HDF5 behind a block of 512 bytes, arrays transposed, a cell array as references into ``#refs#``."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for key, arrays, kind in (
            ("images", data.images, "uint8"),
            ("depths", data.depths, "single"),
            ("rawDepths", data.raw_depths, "single"),
            ("labels", data.labels, "uint16"),
        ):
            stacked = np.stack([array.T for array in arrays])
            stored = file.create_dataset(
                key, data=stacked, chunks=(1, *stacked.shape[1:]), compression="gzip", compression_opts=1
            )
            stored.attrs["MATLAB_class"] = np.bytes_(kind)
        cells = file.create_dataset("names", (1, len(data.names)), h5py.ref_dtype)
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        strings = file.create_group("#refs#")
        for i, name in enumerate(data.names):
            characters = np.frombuffer(name.encode("utf-16-le"), "<u2")[:, None]
            string = strings.create_dataset(f"s{i}", data=characters)
            string.attrs["MATLAB_class"] = np.bytes_("char")
            string.attrs["MATLAB_int_decode"] = np.int32(2)
            cells[0, i] = string.ref
    with open(path, "r+b") as file:
        text = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Thu Jan 10 12:00:00 2013 HDF5 schema 1.00 ."
        file.write(text.ljust(116) + bytes(8) + b"\x00\x02IM")


def write_splits(path: Path, train: list[int], test: list[int]) -> None:
    """Columns of frame numbers, from 1."""
    scipy.io.savemat(
        path, {key: np.array(v, np.uint16)[:, None] for key, v in (("trainNdxs", train), ("testNdxs", test))}
    )


def write_mapping(path: Path, names: list[str], class_of: list[int]) -> None:
    """Rows; the names as cell arrays; one class in the spelling of the official file."""
    classes = ["refridgerator" if name == "refrigerator" else name for name in NYU40.values()]
    scipy.io.savemat(
        path,
        {
            "mapClass": np.array(class_of, np.uint8)[None],
            "allClassName": np.array(names, object)[None],
            "className": np.array(classes, object)[None],
        },
    )
