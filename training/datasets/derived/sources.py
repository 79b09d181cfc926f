"""Which labels are derived of which, and how a frame's is read."""

from __future__ import annotations

import numpy as np

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from training.datasets.derived.edges import edges_of_semantic
from training.datasets.derived.normals import normals_of_depth
from training.datasets.derived.offsets import offsets_of_instance

NORMALS, EDGES, OFFSETS = "normals", "edges", "offsets"

DERIVED_FROM = {NORMALS: "depth", EDGES: "semantic", OFFSETS: "instance"}
"""Derived task to the folder of the data set that holds what it is made of."""


def source_kind(task: str) -> str:
    """The folder of a data set that a task's labels come from: its own name but for a derived one."""
    return DERIVED_FROM.get(task, task)


def carries(folder: DatasetFolder, task: str, name: str) -> bool:
    """Whether frame ``name`` has on disk what a label of ``task`` is made of."""
    return folder.has(source_kind(task), name)


def read_derived(folder: DatasetFolder, task: str, name: str) -> np.ndarray:
    """Make a frame's label at the frame's own size.

    Returns:
        ``normals`` (H, W, 3) float32, see ``normals_of_depth``; ``edges`` (H, W) uint8, see ``edges_of_semantic``;
        ``offsets`` (H, W, 2) float32 pixels, see ``offsets_of_instance``.

    Raises:
        DatasetError: a file is missing or damaged, or normals are wanted of a camera that is not known.
    """
    if task == NORMALS:
        if folder.info.intrinsics is None:
            raise DatasetError(f"{folder.root} has no intrinsics, and normals need them: add them to dataset.json")
        return normals_of_depth(folder.read_depth(name), folder.info.intrinsics)
    if task == EDGES:
        return edges_of_semantic(folder.read_semantic(name))
    return offsets_of_instance(folder.read_instance(name))
