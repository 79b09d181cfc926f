"""Colour and depth messages of one moment as a frame: decoded, and aligned by their camera_info."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mtl_perception.depth_logger.alignment import Alignment
from mtl_perception.depth_logger.frames import DecodedFrame
from mtl_perception.depth_logger.pairing import Pair
from mtl_perception.messages.arrays import MessageError
from mtl_perception.messages.rgbd import colour_of, depth_of, view_of

if TYPE_CHECKING:
    from sensor_msgs.msg import CameraInfo


class RgbdDecoder:
    """Makes frames of pairs of messages.

    Args:
        extrinsics: see ``Alignment``.
        image_rectified, depth_rectified: the images are, see ``carries_rectified``.
    """

    def __init__(
        self, extrinsics: Callable[[str, str], np.ndarray | None], *, image_rectified: bool, depth_rectified: bool
    ) -> None:
        self._alignment = Alignment(extrinsics)
        self._image_rectified = image_rectified
        self._depth_rectified = depth_rectified
        self.image_info: CameraInfo | None = None
        """The latest of the colour camera; needed for ``decode``."""
        self.depth_info: CameraInfo | None = None
        """The latest of the depth camera, if it has any."""
        self.frame_id = ""
        """The colour camera's optical frame, once a frame was decoded."""

    def decode(self, pair: Pair) -> DecodedFrame:
        """The frame of a pair of messages, Image or CompressedImage each, with depth as it came.

        Raises:
            MessageError: a message is damaged or of no use, or the colour camera is not calibrated.
        """
        rgb, rgb_file, suffix = colour_of(pair.colour)
        depth, depth_file = depth_of(pair.depth)
        view = view_of(pair.colour, self.image_info, *rgb.shape[:2], rectified=self._image_rectified)
        if view.camera is None:
            raise MessageError("camera_info is uncalibrated (K is zero, or no camera's): calibrate the camera")
        there = view_of(pair.depth, self.depth_info, *depth.shape, rectified=self._depth_rectified)
        self.frame_id = view.frame_id
        return DecodedFrame(pair.stamp, pair.depth_stamp, rgb, depth, view, there, rgb_file, suffix, depth_file)

    def align(self, frame: DecodedFrame) -> DecodedFrame:
        """``frame`` with depth in the colour camera's image; the same frame where it lies there already.

        Raises:
            RegistrationError: it cannot be brought there.
        """
        depth = self._alignment.align(frame.depth, frame.depth_view, frame.view)
        if depth is frame.depth:
            return frame
        return replace(frame, depth=depth, depth_view=frame.view, depth_file=None)
