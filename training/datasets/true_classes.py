"""The class ids of a frame, as every reader of labels takes them."""

from __future__ import annotations

import numpy as np

from mtl_perception.dataset_folder import DatasetError, DatasetFolder


def read_true_classes(folder: DatasetFolder, name: str) -> np.ndarray:
    """Class ids, (H, W) uint8, 0 = unlabelled; every other is named.

    Raises:
        DatasetError: the file is missing or damaged, or holds a class id that ``dataset.json`` does not name.
    """
    semantic = folder.read_semantic(name)
    unknown = set(np.unique(semantic).tolist()) - {0, *folder.info.classes}
    if unknown:
        raise DatasetError(
            f"{folder.path('semantic', name)} holds class id {min(unknown)}, which dataset.json does not name"
        )
    return semantic
