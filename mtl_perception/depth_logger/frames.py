"""A frame between what the cameras sent and what goes to the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from mtl_perception.depth_logger.alignment import View
from mtl_perception.depth_logger.dataset_log import EncodedFrame


@dataclass(frozen=True)
class DecodedFrame:
    """Colour and depth of one moment.

    Attributes:
        stamp, depth_stamp: ns.
        rgb: (H, W, 3) uint8 RGB.
        depth: (h, w) uint16 millimetres along the optical axis of ``depth_view``, 0 unknown.
        view: the colour camera, which is known.
        depth_view: the camera that depth is of: the same once it is aligned.
        rgb_file, rgb_suffix: the colour file as it came, and its suffix; None where there is none.
        depth_file: a PNG that holds just ``depth``, as it came; None where there is none.
    """

    stamp: int
    depth_stamp: int
    rgb: np.ndarray
    depth: np.ndarray
    view: View
    depth_view: View
    rgb_file: bytes | None = None
    rgb_suffix: str = ""
    depth_file: bytes | None = None


def encode(
    frame: DecodedFrame, jpeg_quality: int | None, pose: np.ndarray | None, line: Mapping[str, Any]
) -> EncodedFrame:
    """The files of ``frame``: what came as a file goes to the disk byte for byte.

    Args:
        frame: what to encode, aligned.
        jpeg_quality: of colour that did not come as a file, 0..100; None for a PNG.
        pose: (4, 4) camera-to-world, or None.
        line: what the index is to tell of the frame beside its stamps.
    """
    rgb, suffix = frame.rgb_file, frame.rgb_suffix
    if rgb is None:
        suffix = ".png" if jpeg_quality is None else ".jpg"
        options = [] if jpeg_quality is None else [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
        rgb = cv2.imencode(suffix, cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR), options)[1].tobytes()
    depth = frame.depth_file or cv2.imencode(".png", frame.depth)[1].tobytes()
    return EncodedFrame(rgb, suffix, depth, pose, {"stamp": frame.stamp, "depth_stamp": frame.depth_stamp, **line})
