"""A recording of a made camera with depth and labels, as long as one likes."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

FOCAL_LENGTH = 500.0
_START = 1_700_000_000 * 10**9
_STEP = 33_333_333
"""Nanoseconds between frames."""
_DISTINCT = 20
"""Pictures, which come again and again."""


def pictures(height: int, width: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Colours (H, W, 3) uint8, depth (H, W) uint16 mm with holes, and class ids (H, W) uint8; the same at each call."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(_DISTINCT):
        rgb = cv2.resize(random.integers(0, 256, (12, 16, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
        depth = cv2.resize(random.uniform(500, 6000, (6, 8)).astype(np.float32), (width, height))
        depth[cv2.resize(random.random((12, 16)), (width, height), interpolation=cv2.INTER_NEAREST) < 0.1] = 0
        labels = random.integers(0, 2, (12, 16), np.uint8)
        labels = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
        found.append((rgb, depth.astype(np.uint16), labels))
    return found


def write_recording(folder: Path, frames: int, height: int, width: int, *, compressed: bool = False) -> None:
    """Write a rosbag2, MCAP: colour as JPEG, depth, labels and camera info.

    With ``compressed`` all are PNG, and green is the class, as the network of ``write_pixel_network`` takes it.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    types = SimpleNamespace(**{name.rpartition("/")[2]: kind for name, kind in store.types.items()})
    makers = [_frame(types, *picture, compressed) for picture in pictures(height, width)]
    info = _camera_info(types, height, width)
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections: dict[str, Any] = {}
        for i in range(frames):
            stamp = _START + i * _STEP
            messages = {"/camera/camera_info": info, **makers[i % len(makers)]}
            for topic, message in messages.items():
                seconds, nanoseconds = divmod(stamp, 10**9)
                message.header.stamp = types.Time(sec=seconds, nanosec=nanoseconds)
                kind = message.__msgtype__
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=store)
                writer.write(connections[topic], stamp, store.serialize_cdr(message, kind))


def _frame(
    types: SimpleNamespace, rgb: np.ndarray, depth: np.ndarray, labels: np.ndarray, compressed: bool
) -> dict[str, Any]:
    colour = "/camera/image_raw/compressed"
    if compressed:
        bgr = np.dstack([rgb[..., 2], labels, rgb[..., 0]])
        messages = {colour: _compressed(types, "rgb8; png compressed bgr8", cv2.imencode(".png", bgr)[1].ravel())}
        header = np.frombuffer(struct.pack("<iff", 0, 0, 0), np.uint8)
        data = np.concatenate([header, cv2.imencode(".png", depth)[1].ravel()])
        messages["/camera/depth/compressedDepth"] = _compressed(types, "16UC1; compressedDepth png", data)
        data = cv2.imencode(".png", labels)[1].ravel()
        messages["/camera/labels/compressed"] = _compressed(types, "mono8; png compressed ", data)
    else:
        # Smooth pictures alone would be decoded faster than a camera's.
        noise = np.random.default_rng(0).normal(0, 8, rgb.shape)
        bgr = np.clip(rgb[..., ::-1] + noise, 0, 255).astype(np.uint8)
        jpeg = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].ravel()
        messages = {colour: _compressed(types, "rgb8; jpeg compressed bgr8", jpeg)}
        messages["/camera/depth"] = _image(types, depth, "16UC1")
        messages["/camera/labels"] = _image(types, labels, "mono8")
    return messages


def _header(types: SimpleNamespace) -> Any:
    return types.Header(stamp=types.Time(sec=0, nanosec=0), frame_id="camera")


def _compressed(types: SimpleNamespace, kind: str, data: np.ndarray) -> Any:
    return types.CompressedImage(header=_header(types), format=kind, data=data)


def _image(types: SimpleNamespace, pixels: np.ndarray, encoding: str) -> Any:
    return types.Image(
        header=_header(types),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=pixels.strides[0],
        data=pixels.view(np.uint8).ravel(),
    )


def _camera_info(types: SimpleNamespace, height: int, width: int) -> Any:
    k = np.array([[FOCAL_LENGTH, 0, width / 2], [0, FOCAL_LENGTH, height / 2], [0, 0, 1]])
    return types.CameraInfo(
        header=_header(types),
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=k.ravel(),
        r=np.eye(3).ravel(),
        p=np.hstack([k, np.zeros((3, 1))]).ravel(),
        binning_x=0,
        binning_y=0,
        roi=types.RegionOfInterest(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )
