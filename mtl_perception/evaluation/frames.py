"""The frames of a recording, decoded: colour, and what is known to be true of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_perception.depth_logger.alignment import Alignment, View
from mtl_perception.depth_logger.registration import RegistrationError
from mtl_perception.evaluation.stamp_matching import Match, StampMatching
from mtl_perception.evaluation.topics import Topics
from mtl_perception.evaluation.true_classes import LabelFolder, class_ids_of
from mtl_perception.messages.arrays import MessageError, nanoseconds_of, rgb_from_compressed, rgb_from_image
from mtl_perception.messages.camera_info import another_shape, carries_rectified
from mtl_perception.messages.rgbd import depth_of, view_of
from mtl_perception.messages.robot_poses import RobotPoses
from mtl_perception.recordings.bag_reading import Bag
from mtl_perception.recordings.errors import BagError

_STATIC_TRANSFORMS = "/tf_static"
_NUMBERS = re.compile(r"\d+")
_MOST_REASONS = 20
"""More different ones are one: a recording can be damaged in endless ways."""


@dataclass(frozen=True)
class Frame:
    """An image of a recording.

    Attributes:
        index: among all images of its topic, from 0.
        stamp: nanoseconds.
        rgb: (H, W, 3) uint8.
        focal_length: pixels; None where no camera info tells.
        depth: true depth, (H, W) float32 metres, 0 unknown; None without.
        classes: true class ids, (H, W) uint8, 0 unlabelled; None without.
    """

    index: int
    stamp: int
    rgb: np.ndarray
    focal_length: float | None
    depth: np.ndarray | None
    classes: np.ndarray | None


class FrameReader:
    """Reads the frames of a recording once, from its beginning.

    Args:
        bag: the recording.
        topics: what to read of it.
        labels: labels on disk; None for those of the topic, if there is one.

    Attributes:
        skipped: images that could not be used, by reason.
        notes: what is strange about the recording, and truth that could not be used; whole when all is read.
        images: how many came by.
    """

    def __init__(self, bag: Bag, topics: Topics, labels: LabelFolder | None = None) -> None:
        self._bag = bag
        self._topics = topics
        self._labels = labels
        self.skipped: Counter[str] = Counter()
        self.notes: list[str] = []
        self.images = 0
        self._unused: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._poses = RobotPoses(None, None)
        self._alignment = Alignment(self._poses.depth_to_image)
        self._infos = {topic: self._first(topic) for topic in (topics.camera_info, topics.depth_camera_info) if topic}
        self._take_static_transforms()

    def frames(self, wanted: Collection[int] | None = None) -> Iterator[Frame]:
        """The frames that can be used, in order of recording.

        Args:
            wanted: only those of these indices, and no farther than the last of them; None for all.

        Raises:
            BagError: the recording is damaged from there on; the frames before have come.
        """
        last = max(wanted, default=-1) if wanted is not None else None
        others = [name for name in ("depth", "labels") if getattr(self._topics, name) is not None]
        matching = StampMatching(others)
        try:
            for match in self._matches(matching):
                if wanted is None or match.index in wanted:
                    frame = self._frame(match)
                    if frame is not None:
                        yield frame
                if match.index == last:
                    return
        finally:
            self._tell(matching)

    def _matches(self, matching: StampMatching) -> Iterator[Match]:
        names = {getattr(self._topics, name): name for name in matching.others}
        try:
            for message in self._bag.messages(self._topics.all()):
                try:
                    fields = self._bag.fields(message)
                except BagError as error:
                    self._count(self.skipped if message.topic == self._topics.image else self._unused, str(error))
                    continue
                if message.topic in self._infos:
                    self._infos[message.topic] = fields
                    continue
                # Some drivers leave stamps at zero.
                stamp = nanoseconds_of(fields.header.stamp) or message.time
                if message.topic == self._topics.image:
                    self.images += 1
                    yield from matching.add_image(stamp, message.time, fields)
                else:
                    yield from matching.add(names[message.topic], stamp, message.time, fields)
        except BagError:
            yield from matching.finish()
            raise
        yield from matching.finish()

    def _frame(self, match: Match) -> Frame | None:
        try:
            image = match.image
            rgb = rgb_from_image(image) if hasattr(image, "encoding") else rgb_from_compressed(image)
        except MessageError as error:
            self._count(self.skipped, str(error))
            return None
        info = self._infos.get(self._topics.camera_info)
        view = view_of(image, info, *rgb.shape[:2], rectified=carries_rectified(self._topics.image))
        focal_length = self._focal_length(info, view) if info is not None else None
        depth, classes = self._depth(match.others.get("depth"), view), self._classes(match, rgb.shape[:2])
        return Frame(match.index, match.stamp, rgb, focal_length, depth, classes)

    def _focal_length(self, info: Any, view: View) -> float | None:
        """The focal length of an image, and a note where its camera_info may not be meant."""
        if view.camera is None:
            self._count(self._unused, "camera_info is of no calibrated camera: depth is as of the network's own camera")
            return None
        if reason := another_shape(info, view.height, view.width):  # The node does not use it either.
            self._count(self._unused, f"camera_info is {reason}")
            return None
        if info.header.frame_id != view.frame_id:
            self._count(
                self._unused,
                f"camera_info is of {info.header.frame_id!r}, the image of {view.frame_id!r}: where that is another "
                "camera, name the image's own topic with --camera-info",
            )
        return view.camera.intrinsics.fx

    def _depth(self, message: Any | None, view: View) -> np.ndarray | None:
        if message is None:
            return None
        try:
            depth, _ = depth_of(message)
            info = self._infos.get(self._topics.depth_camera_info)
            there = view_of(message, info, *depth.shape, rectified=carries_rectified(self._topics.depth))
            if view.camera is None and there.camera is not None and view.frame_id != there.frame_id:
                raise RegistrationError("the colour camera has no camera_info, so how depth lies to it is unknown")
            if view.camera is None:  # with nothing known of either, one frame and one size will do
                there = View(there.frame_id, there.width, there.height, None)
            depth = self._alignment.align(depth, there, view)
        except (MessageError, RegistrationError) as error:
            self._count(self._unused, f"depth not used: {error}")
            return None
        return depth.astype(np.float32) / np.float32(1000) if depth.any() else None

    def _classes(self, match: Match, size: tuple[int, int]) -> np.ndarray | None:
        try:
            if self._labels is not None:
                classes = self._labels.read(match.index, match.stamp)
            else:
                message = match.others.get("labels")
                classes = class_ids_of(message) if message is not None else None
            if classes is not None and classes.shape != size:
                (height, width), (wanted_height, wanted_width) = classes.shape, size
                raise MessageError(f"{width}x{height}, the image is {wanted_width}x{wanted_height}")
        except MessageError as error:
            self._count(self._unused, f"labels not used: {error}")
            return None
        return classes

    def _first(self, topic: str) -> Any | None:
        """The first message of ``topic``, which holds for images before it too."""
        try:
            return self._bag.fields(next(iter(self._bag.messages([topic]))))
        except (BagError, StopIteration):
            return None

    def _take_static_transforms(self) -> None:
        recorded = self._bag.topics.get(_STATIC_TRANSFORMS)
        if self._topics.depth is None or recorded is None or recorded.type != "tf2_msgs/msg/TFMessage":
            return
        try:
            for message in self._bag.messages([_STATIC_TRANSFORMS]):
                self._poses.add_static_transforms(self._bag.fields(message).transforms)
        except (BagError, ValueError) as error:
            self.notes.append(f"{_STATIC_TRANSFORMS}: {error}")

    def _count(self, counts: Counter[str], reason: str) -> None:
        """Count a reason; those that differ by numbers alone are one, told by its first."""
        kind = _NUMBERS.sub("0", reason)
        if kind not in self._examples and len(self._examples) >= _MOST_REASONS:
            kind, reason = "", "other reasons"
        counts[self._examples.setdefault(kind, reason)] += 1

    def _tell(self, matching: StampMatching) -> None:
        self.notes += matching.jumps
        self.notes += [f"{reason} ({count} times)" for reason, count in self._unused.items()]
        if self.images and self._topics.camera_info is None:
            self.notes.append("no camera_info: depth is right only for a camera like the one the network learnt for")
