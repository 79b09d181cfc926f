"""From the ids of Cityscapes' label images to the 19 classes that it is evaluated on."""

from __future__ import annotations

import numpy as np

CLASSES = {
    1: "road",
    2: "sidewalk",
    3: "building",
    4: "wall",
    5: "fence",
    6: "pole",
    7: "traffic light",
    8: "traffic sign",
    9: "vegetation",
    10: "terrain",
    11: "sky",
    12: "person",
    13: "rider",
    14: "car",
    15: "truck",
    16: "bus",
    17: "train",
    18: "motorcycle",
    19: "bicycle",
}
"""Class ids on disk; in the order of Cityscapes' own train ids, which begin at 0."""

LAST_ID = 33
"""Highest id in ``*_gtFine_labelIds.png``."""

_EVALUATED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)

CLASS_OF = np.zeros(LAST_ID + 1, np.uint8)
"""Class id of each id in the label images; 0 for those that evaluation leaves out."""
CLASS_OF[list(_EVALUATED)] = list(CLASSES)
