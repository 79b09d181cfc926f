"""From each pixel to the centre of the object that it shows."""

from __future__ import annotations

import numpy as np


def offsets_of_instance(instance: np.ndarray) -> np.ndarray:
    """Vectors to the mean position of the pixels of the same object id.

    The centre is that of what is seen of the object in this frame; of a bent object it may lie beside it.

    Args:
        instance: (H, W) object ids, 0 = no object.

    Returns:
        (H, W, 2) float32 pixels right and down; NaN where there is no object.
    """
    height, width = instance.shape
    ids = instance.astype(np.int64)
    count = np.maximum(np.bincount(ids.ravel()), 1)
    rows, columns = np.mgrid[0:height, 0:width]
    centre_x = np.bincount(ids.ravel(), columns.ravel()) / count
    centre_y = np.bincount(ids.ravel(), rows.ravel()) / count
    offsets = np.stack([centre_x[ids] - columns, centre_y[ids] - rows], -1)
    return np.where((ids > 0)[..., None], offsets, np.nan).astype(np.float32)
