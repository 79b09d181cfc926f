"""Recordings of a made camera, as the recorders of ROS 2 and ROS 1 write them, for tests of what reads them.

The camera sees a scene whose colours are what the network of ``network_file`` makes of them: red / 20 is the depth it
predicts, green above 127 its second class.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

HEIGHT, WIDTH, FOCAL = 48, 64, 50.0
SECOND = 10**9
START = 1_700_000_000 * SECOND
IMAGE, INFO, DEPTH, LABELS = "/eye/image_raw", "/eye/camera_info", "/eye/aligned_depth/image_raw", "/eye/labels"


def scene(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colours (H, W, 3) uint8, and depth (H, W) float32 m and classes (H, W) uint8 as the network sees them."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(10, 200, (6, 8, 3)).astype(np.uint8)
    rgb = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    return rgb, rgb[..., 0].astype(np.float32) / 20, (1 + (rgb[..., 1] > 127)).astype(np.uint8)


class Recorder:
    """Writes messages to an open bag, each topic with its type at first use."""

    def __init__(self, writer: Writer | Ros1Writer) -> None:
        self._writer = writer
        self._is_ros1 = isinstance(writer, Ros1Writer)
        self.store = get_typestore(Stores.ROS1_NOETIC if self._is_ros1 else Stores.ROS2_JAZZY)
        if self._is_ros1:
            text = "geometry_msgs/TransformStamped[] transforms"
            self.store.register(get_types_from_msg(text, "tf2_msgs/msg/TFMessage"))
        self._connections = {}

    def make(self, kind: str, **fields):
        if self._is_ros1 and kind == "std_msgs/msg/Header":
            fields["seq"] = 0
        if self._is_ros1 and kind == "sensor_msgs/msg/CameraInfo":
            fields = {name.upper() if name in "dkrp" else name: value for name, value in fields.items()}
        return self.store.types[kind](**fields)

    def header(self, stamp: int, frame_id: str):
        time = self.make("builtin_interfaces/msg/Time", sec=stamp // SECOND, nanosec=stamp % SECOND)
        return self.make("std_msgs/msg/Header", stamp=time, frame_id=frame_id)

    def write(self, topic: str, time: int, message) -> None:
        kind = message.__msgtype__
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self.store)
        serialize = self.store.serialize_ros1 if self._is_ros1 else self.store.serialize_cdr
        self._writer.write(self._connections[topic], time, serialize(message, kind))

    def declare(self, topic: str, kind: str) -> None:
        """A topic without messages."""
        self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self.store)

    def image(self, topic, stamp, pixels, encoding, frame_id="eye", time=None) -> None:
        message = self.make(
            "sensor_msgs/msg/Image",
            header=self.header(stamp, frame_id),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=pixels.strides[0],
            data=np.ascontiguousarray(pixels).view(np.uint8).reshape(-1),
        )
        self.write(topic, stamp if time is None else time, message)

    def compressed(self, topic, stamp, data: bytes, kind="rgb8; png compressed bgr8", frame_id="eye") -> None:
        message = self.make(
            "sensor_msgs/msg/CompressedImage",
            header=self.header(stamp, frame_id),
            format=kind,
            data=np.frombuffer(data, np.uint8),
        )
        self.write(topic, stamp, message)

    def compressed_depth(self, topic, stamp, millimetres, frame_id="eye") -> None:
        data = struct.pack("<iff", 0, 0, 0) + png(millimetres)
        self.compressed(topic, stamp, data, "16UC1; compressedDepth png", frame_id)

    def info(self, topic, stamp, focal=FOCAL, width=WIDTH, height=HEIGHT, frame_id="eye") -> None:
        k = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])
        roi = self.make("sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
        message = self.make(
            "sensor_msgs/msg/CameraInfo",
            header=self.header(stamp, frame_id),
            height=height,
            width=width,
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=k.ravel(),
            r=np.eye(3).ravel(),
            p=np.hstack([k, np.zeros((3, 1))]).ravel(),
            binning_x=0,
            binning_y=0,
            roi=roi,
        )
        self.write(topic, stamp, message)

    def static_transform(self, stamp, parent, child, x=0.0) -> None:
        vector = self.make("geometry_msgs/msg/Vector3", x=x, y=0.0, z=0.0)
        turn = self.make("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0)
        transform = self.make("geometry_msgs/msg/Transform", translation=vector, rotation=turn)
        stamped = self.make(
            "geometry_msgs/msg/TransformStamped",
            header=self.header(stamp, parent),
            child_frame_id=child,
            transform=transform,
        )
        self.write("/tf_static", stamp, self.make("tf2_msgs/msg/TFMessage", transforms=[stamped]))

    def frame(self, number: int, *, depth_factor: float | None = 1.0, labels: bool = True, stamp=None) -> int:
        """Frame ``number`` of the scene at 10 Hz: image, camera info, true depth and labels; its stamp."""
        rgb, depth, classes = scene(number)
        stamp = START + number * SECOND // 10 if stamp is None else stamp
        self.info(INFO, stamp)
        self.image(IMAGE, stamp, rgb, "rgb8")
        if depth_factor is not None:
            self.image(DEPTH, stamp, np.rint(depth * depth_factor * 1000).astype(np.uint16), "16UC1")
        if labels:
            self.image(LABELS, stamp, classes, "mono8")
        return stamp


@contextmanager
def recording(path: Path, *, plugin=StoragePlugin.MCAP, compression: CompressionMode | None = None):
    """A ``Recorder`` to a new rosbag2 folder, or, where ``path`` ends in .bag, to a bag of ROS 1."""
    if path.suffix == ".bag":
        writer = Ros1Writer(path)
    else:
        writer = Writer(path, version=9, storage_plugin=plugin)
        if compression is not None:
            writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        yield Recorder(writer)


def record_frames(path: Path, count: int = 4, *, depth_factor=1.0, labels=True, **how) -> Path:
    """A recording of the first ``count`` frames."""
    with recording(path, **how) as recorder:
        for number in range(count):
            recorder.frame(number, depth_factor=depth_factor, labels=labels)
    return path


def png(pixels: np.ndarray) -> bytes:
    """``pixels`` as a PNG, grey or RGB."""
    return cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()
