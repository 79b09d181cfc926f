"""Where the robot and its cameras are, by odometry and static transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mtl_perception.depth_logger.recorder import RobotPose
from mtl_perception.depth_logger.rigid import PoseTrack, transform
from mtl_perception.depth_logger.static_transforms import StaticTransforms
from mtl_perception.messages.arrays import nanoseconds_of

if TYPE_CHECKING:
    from geometry_msgs.msg import TransformStamped
    from nav_msgs.msg import Odometry

_REMEMBERED, _REACH = 10.0, 0.1
"""Seconds of odometry, and how far from a pose a frame's time may lie."""


class RobotPoses:
    """Poses of the robot at any time, and of its cameras to each other.

    What is given here wins over /tf_static, whose messages need a package that not every installation has.

    Args:
        depth_in_image: (4, 4) pose of the depth camera in the colour camera's frame, or None to ask /tf_static.
        camera_in_base: (4, 4) pose of the colour camera in the odometry's child frame, or None likewise.
    """

    def __init__(self, depth_in_image: np.ndarray | None, camera_in_base: np.ndarray | None) -> None:
        self._depth_in_image = depth_in_image
        self._camera_in_base = camera_in_base
        self._static = StaticTransforms()
        self._track = PoseTrack(_REMEMBERED, _REACH)
        self._base_frame = ""

    def add_odometry(self, message: Odometry) -> None:
        """Take in where the robot is.

        Raises:
            ValueError: that is no pose.
        """
        where, turn = message.pose.pose.position, message.pose.pose.orientation
        stamp = nanoseconds_of(message.header.stamp)
        self._track.add(stamp, (where.x, where.y, where.z), (turn.x, turn.y, turn.z, turn.w))
        self._base_frame = message.child_frame_id

    def add_static_transforms(self, transforms: Sequence[TransformStamped]) -> None:
        """Take in how frames lie to each other that do not move.

        Raises:
            ValueError: one is no pose; those before it are taken in.
        """
        for stamped in transforms:
            where, turn = stamped.transform.translation, stamped.transform.rotation
            pose = transform((where.x, where.y, where.z), (turn.x, turn.y, turn.z, turn.w))
            self._static.add(stamped.header.frame_id, stamped.child_frame_id, pose)

    def depth_to_image(self, image_frame: str, depth_frame: str) -> np.ndarray | None:
        """The (4, 4) transform of points from the depth camera's frame into the colour camera's, None if unknown."""
        if self._depth_in_image is not None:
            return self._depth_in_image
        return self._static.lookup(image_frame, depth_frame)

    def at(self, stamp: int, camera_frame: str) -> RobotPose | None:
        """Where the robot and the camera of ``camera_frame`` were at ``stamp`` (ns), None where odometry is silent."""
        base = self._track.at(stamp)
        if base is None:
            return None
        camera = self._camera_in_base
        if camera is None:
            camera = self._static.lookup(self._base_frame, camera_frame)
        return RobotPose(base, None if camera is None else base @ camera)
