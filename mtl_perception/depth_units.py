"""Metres as they are stored: 16-bit whole numbers, 0 unknown."""

from __future__ import annotations

import numpy as np

LARGEST = 65535
"""What 16 bits hold."""


def depth_units(metres: np.ndarray, per_metre: float) -> np.ndarray:
    """uint16 units of float metres of any shape and precision, rounded.

    NaN, infinities, what is not above 0 and what 16 bits cannot hold become 0, unknown: clipped it would be a wall.

    Args:
        metres: distances.
        per_metre: units a metre; 1000 stores millimetres.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        # Half floats have too few digits for their own units.
        units = np.rint(metres.astype(np.promote_types(metres.dtype, np.float32), copy=False) * per_metre)
    return np.where((units > 0) & (units <= LARGEST), units, 0).astype(np.uint16)
