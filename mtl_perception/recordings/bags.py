"""Write rosbag2 files, without ROS (on the rosbags library); ``bag_reading`` reads them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from tqdm import tqdm

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.depth_units import depth_units
from mtl_perception.recordings.errors import BagError

IMAGE_TOPIC = "/camera/image_raw"
CAMERA_INFO_TOPIC = "/camera/camera_info"
DEPTH_TOPIC = "/camera/aligned_depth/image_raw"
FRAME_ID = "camera_color_optical_frame"

FIRST_STAMP = 1_000_000_000 * 10**9
"""Stamp of the first frame of a recording that tells no time, nanoseconds."""
_STAMPS_END = 2**31 * 10**9
"""Nanoseconds; the seconds of a message's stamp have 32 bits with a sign."""


@dataclass(frozen=True)
class RecordedFrame:
    """A frame of a data set folder to be recorded.

    Attributes:
        name: the frame's name.
        stamp: of the colour image and its CameraInfo, nanoseconds.
        depth_stamp: of the depth image, nanoseconds; None leaves the depth out.
    """

    name: str
    stamp: int
    depth_stamp: int | None = None


def write_bag_from_folder(
    folder: DatasetFolder,
    names: Sequence[str],
    out: str | os.PathLike[str],
    *,
    rate: float,
    raw: bool = False,
    depth: bool = False,
) -> None:
    """Write frames of a data set folder as a recording of steady pace, see ``write_bag``.

    Args:
        folder: where the frames are.
        names: the frames, in order of time.
        out: the file to write.
        rate: frames a second.
        raw: colour uncompressed.
        depth: also depth, which every frame must have.

    Raises:
        BagError, DatasetError: as ``write_bag``.
    """
    stamps = [FIRST_STAMP + round(i * 1e9 / rate) for i in range(len(names))]
    frames = [RecordedFrame(n, t, t if depth else None) for n, t in zip(names, stamps, strict=True)]
    write_bag(folder, frames, out, raw=raw)


def write_bag(
    folder: DatasetFolder,
    frames: Sequence[RecordedFrame],
    out: str | os.PathLike[str],
    *,
    raw: bool = False,
    frame_id: str = FRAME_ID,
) -> None:
    """Write frames of a data set folder as the recording of a camera, one MCAP file.

    Depth goes as 16UC1 millimetres on ``DEPTH_TOPIC``, 0 unknown.

    Args:
        folder: where the frames are; its intrinsics, if known, become the CameraInfo.
        frames: the frames, in order of time, with their stamps.
        out: the file to write, ``*.mcap``; appears when it is whole.
        raw: colour as uncompressed Image on ``IMAGE_TOPIC``; else CompressedImage on its
            ``/compressed``, the stored JPEG or PNG byte for byte.
        frame_id: of the headers.

    Raises:
        BagError: ``out`` exists or is not named ``.mcap``, or there are no frames.
        DatasetError: a frame cannot be read.
    """
    out = Path(out)
    if out.suffix != ".mcap":
        raise BagError(f"a bag is written to a file named .mcap, not {out.name}")
    if out.exists():
        raise BagError(f"{out} already exists: choose another name")
    if not frames:
        raise BagError(f"{folder.root} has no such frames")
    if frames[-1].stamp >= _STAMPS_END:
        raise BagError(f"frame {frames[-1].name} would be stamped after 2038, which no message can: take a higher rate")
    # On the same disk, but making no folder that a failure would leave behind.
    nearby = next(folder for folder in out.absolute().parents if folder.is_dir())
    with tempfile.TemporaryDirectory(dir=nearby, prefix=".bag-") as temporary:
        bag = Path(temporary) / out.stem
        with Writer(bag, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            recorder = _CameraRecorder(writer, folder, raw=raw, frame_id=frame_id)
            for frame in tqdm(frames, desc=f"writing {out.name}", unit="frame", disable=None):
                recorder.write(frame)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(next(bag.glob("*.mcap")), out)


class _CameraRecorder:
    """Writes frames of one folder as messages of one camera."""

    def __init__(self, writer: Writer, folder: DatasetFolder, *, raw: bool, frame_id: str) -> None:
        self._writer = writer
        self._folder = folder
        self._raw = raw
        self._frame_id = frame_id
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._connections: dict[str, Any] = {}

    def write(self, frame: RecordedFrame) -> None:
        name, stamp = frame.name, frame.stamp
        header = self._header(stamp)
        info = self._folder.info
        if info.intrinsics:
            self._record(CAMERA_INFO_TOPIC, stamp, self._camera_info(header))
        rgb = self._folder.read_rgb(name)  # also where it goes as stored: a damaged one must not
        if self._raw:
            self._record(IMAGE_TOPIC, stamp, self._image(header, rgb, "rgb8"))
        else:
            path = self._folder.path("rgb", name)
            kind = "jpeg" if path.suffix == ".jpg" else "png"
            message = self._message(
                "sensor_msgs/msg/CompressedImage",
                header=header,
                format=f"rgb8; {kind} compressed bgr8",
                data=np.frombuffer(path.read_bytes(), np.uint8),
            )
            self._record(f"{IMAGE_TOPIC}/compressed", stamp, message)
        if frame.depth_stamp is not None:
            millimetres = depth_units(self._folder.read_depth(name), 1000)
            header = self._header(frame.depth_stamp)
            self._record(DEPTH_TOPIC, frame.depth_stamp, self._image(header, millimetres, "16UC1"))

    def _header(self, stamp: int) -> Any:
        return self._message(
            "std_msgs/msg/Header",
            stamp=self._message("builtin_interfaces/msg/Time", sec=stamp // 10**9, nanosec=stamp % 10**9),
            frame_id=self._frame_id,
        )

    def _message(self, kind: str, **fields: Any) -> Any:
        return self._store.types[kind](**fields)

    def _record(self, topic: str, time: int, message: Any) -> None:
        kind = message.__msgtype__
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self._store)
        self._writer.write(self._connections[topic], time, self._store.serialize_cdr(message, kind))

    def _image(self, header: Any, pixels: np.ndarray, encoding: str) -> Any:
        return self._message(
            "sensor_msgs/msg/Image",
            header=header,
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=pixels.strides[0],
            data=pixels.astype(pixels.dtype.newbyteorder("<")).view(np.uint8).reshape(-1),
        )

    def _camera_info(self, header: Any) -> Any:
        info = self._folder.info
        k = info.intrinsics.matrix()
        return self._message(
            "sensor_msgs/msg/CameraInfo",
            header=header,
            height=info.height,
            width=info.width,
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=k.ravel(),
            r=np.eye(3).ravel(),
            p=np.hstack([k, np.zeros((3, 1))]).ravel(),
            binning_x=0,
            binning_y=0,
            roi=self._message(
                "sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
            ),
        )
