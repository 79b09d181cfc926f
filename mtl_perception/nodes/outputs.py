"""The perception node's output topics: who listens, and what is published there."""

from __future__ import annotations

import json
from dataclasses import dataclass

import cv2
import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header, String

from mtl_perception.messages.arrays import MessageError
from mtl_perception.messages.building import depth_image, image_from_array, point_cloud
from mtl_perception.messages.camera_info import camera_of, rays_of, scaled_camera_info
from mtl_perception.model_card import NOT_CONFIDENT, ModelCard
from mtl_perception.network import Prediction
from mtl_perception.nodes.perception_parameters import PerceptionParameters
from mtl_perception.visualize import Palette

try:
    from vision_msgs.msg import LabelInfo, VisionClass
except ImportError:  # not among the wheels; on a robot apt has it
    LabelInfo = None

# Reliable, so that every subscriber can hear: a best-effort publisher is silent to a reliable one.
_LATEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
_LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@dataclass(frozen=True)
class Frame:
    """A colour frame and what belongs to it.

    Attributes:
        header: the input's, which every output copies.
        rgb: (H, W, 3) uint8 RGB.
        camera_info: of the camera, or None when none came.
        rectified: whether the image is, see ``intrinsics_of``.
    """

    header: Header
    rgb: np.ndarray
    camera_info: CameraInfo | None
    rectified: bool


class Outputs:
    """Publishers of everything the network says; each message is made only when somebody listens."""

    def __init__(self, node: LifecycleNode, card: ModelCard) -> None:
        self._node = node
        self.no_points = ""
        """Why there are no points of the latest frame though somebody listens to them, where its camera is at fault."""
        self.show(card)

        def publisher(kind: type, topic: str, qos: QoSProfile = _LATEST):
            return node.create_lifecycle_publisher(kind, topic, qos)

        self._depth = publisher(Image, "depth/image")
        self._depth_info = publisher(CameraInfo, "depth/camera_info")
        self._segmentation = publisher(Image, "segmentation/image")
        self._confidence = publisher(Image, "segmentation/confidence")
        self._overlay = publisher(Image, "segmentation/overlay")
        self._points = publisher(PointCloud2, "points")
        self._per_frame = [
            self._depth,
            self._depth_info,
            self._segmentation,
            self._confidence,
            self._overlay,
            self._points,
        ]
        self._labels = publisher(String, "segmentation/labels", _LATCHED)
        self._label_info = publisher(LabelInfo, "segmentation/label_info", _LATCHED) if LabelInfo else None

    def show(self, card: ModelCard) -> None:
        """Say from now on what a network of this card says."""
        self._card, self._palette = card, Palette(card.classes)

    def listeners(self) -> int:
        """How many subscriptions there are to what is made from frames."""
        return sum(p.get_subscription_count() for p in self._per_frame)

    def publish_labels(self, min_confidence: float) -> None:
        """Publish, latched, which id is which class, and the least confidence a class is given with."""
        classes = {c.id: {"name": c.name, "color": c.color} for c in self._card.classes}
        self._labels.publish(String(data=json.dumps({"classes": classes, "unlabelled": NOT_CONFIDENT})))
        if self._label_info:
            info = LabelInfo(threshold=min_confidence)
            info.header.stamp = self._node.get_clock().now().to_msg()
            info.class_map = [VisionClass(class_id=c.id, class_name=c.name) for c in self._card.classes]
            self._label_info.publish(info)

    def publish(self, frame: Frame, prediction: Prediction, parameters: PerceptionParameters) -> None:
        """Publish what somebody listens to; ``prediction`` is changed."""
        height, width = prediction.depth.shape
        nearest, farthest = parameters.depth_range(prediction.depth_range)
        if frame.camera_info is not None and _heard(self._depth_info):
            info = scaled_camera_info(frame.camera_info, height, width)
            info.header = frame.header
            self._depth_info.publish(info)
        segmentation = prediction.segmentation
        if parameters.min_confidence > 0:
            segmentation[prediction.confidence < parameters.min_confidence * 255] = NOT_CONFIDENT
        if _heard(self._segmentation):
            self._segmentation.publish(image_from_array(segmentation, "mono8", frame.header))
        if _heard(self._confidence):
            self._confidence.publish(image_from_array(prediction.confidence, "mono8", frame.header))
        if _heard(self._overlay):
            picture = self._palette.overlay(
                _resized(frame.rgb, height, width), segmentation, parameters.overlay_opacity
            )
            self._overlay.publish(image_from_array(picture, "rgb8", frame.header))
        if _heard(self._depth) or _heard(self._points):
            message = depth_image(prediction.depth, parameters.depth_encoding, frame.header, nearest, farthest)
            if _heard(self._depth):
                self._depth.publish(message)
        self.no_points = self._publish_points(frame, prediction.depth) if _heard(self._points) else ""

    def _publish_points(self, frame: Frame, depth: np.ndarray) -> str:
        camera = None
        if frame.camera_info is not None:
            camera = camera_of(frame.camera_info, *depth.shape, rectified=frame.rectified)
        if camera is None:  # of which the node complains in any case
            return ""
        try:
            rays = rays_of(camera)
        except MessageError as error:
            return str(error)
        self._points.publish(point_cloud(depth, _resized(frame.rgb, *depth.shape), rays, frame.header))
        return ""

    def destroy(self) -> None:
        """Take the topics away."""
        for publisher in [*self._per_frame, self._labels, self._label_info]:
            if publisher:
                self._node.destroy_lifecycle_publisher(publisher)


def _heard(publisher) -> bool:
    return publisher.get_subscription_count() > 0


def _resized(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    return rgb if rgb.shape[:2] == (height, width) else cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
