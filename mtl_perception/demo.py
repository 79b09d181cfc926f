"""The demonstration: a recorded camera through the real node, and pictures of what came out."""

from __future__ import annotations

import errno
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from mtl_perception.atomic_write import check_writable, write_atomically
from mtl_perception.json_file import write_json
from mtl_perception.messages.arrays import array_from_image, nanoseconds_of, rgb_from_compressed
from mtl_perception.network import read_card
from mtl_perception.node_replay import CameraTopics, ReplayError, node_replay
from mtl_perception.node_traffic import Output, Traffic
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.bags import CAMERA_INFO_TOPIC, IMAGE_TOPIC, BagError
from mtl_perception.share import model_path, share_directory
from mtl_perception.visualize import Palette, side_by_side, viewing_range

_STRIP_ROWS = 6
_STRIP_WIDTH = 320


@dataclass(frozen=True)
class Summary:
    """Figures of one replay; milliseconds are medians."""

    frames_in: int
    frames_out: int
    frames_dropped: int
    rate_hz: float
    network_ms: float
    end_to_end_ms: float
    model: str
    device: str
    breaks_off: str | None
    """Why the recording lacks messages, if it does."""


@dataclass
class Pictures:
    """What the camera saw and what came of it, by stamp (ns)."""

    frames: dict[int, CompressedImage] = field(default_factory=dict)
    depth: dict[int, np.ndarray] = field(default_factory=dict)
    segmentation: dict[int, np.ndarray] = field(default_factory=dict)

    def take_frame(self, message: CompressedImage) -> None:
        """Keep what goes in."""
        self.frames[nanoseconds_of(message.header.stamp)] = message

    def take_result(self, output: Output, message: Image) -> None:
        """Keep what comes out."""
        kept = self.depth if output == "depth" else self.segmentation
        kept[nanoseconds_of(message.header.stamp)] = array_from_image(message)


def replay(bag: Path, model: Path) -> tuple[Traffic, Pictures, str | None]:
    """Play ``bag`` to the node at the recorded pace and keep all that goes in and comes out; last, why it breaks off.

    Raises:
        ReplayError, BagError: as ``run``.
    """
    image = f"{IMAGE_TOPIC}/compressed"
    pictures = Pictures()
    with open_bag(bag) as opened:
        if image not in opened.topics:
            lacks = f"{bag} has no compressed images on {image}: make it with `mtl-perception bag from-folder`"
            raise BagError(opened.breaks_off or lacks)
        topics = CameraTopics(image, CAMERA_INFO_TOPIC if CAMERA_INFO_TOPIC in opened.topics else None)
        with node_replay(opened, model, topics, pictures.take_result) as node:
            node.play(pictures.take_frame)
            node.wait_until_quiet()
    return node.traffic, pictures, opened.breaks_off


def run(out: Path, model: str = "", bag: Path | None = None) -> Summary:
    """Replay ``bag`` through the node in a process of its own; leave pictures and ``summary.json`` in ``out``.

    Args:
        out: folder for ``strip.png``, ``video.mp4`` and ``summary.json``.
        model: network file, see ``model_path``.
        bag: a recording with compressed images on ``IMAGE_TOPIC``; None takes the one that comes with the package.

    Raises:
        ReplayError: the node did not come up, or nothing came out of it.
        BagError, NetworkError: the bag or the network file is not usable.
        OSError: ``out`` cannot be written to.
    """
    path = model_path(model)
    card = read_card(path)
    check_writable(out)
    traffic, pictures, breaks_off = replay(bag or share_directory() / "demo" / "rooms.mcap", path)
    shown = sorted(pictures.frames.keys() & pictures.depth.keys() & pictures.segmentation.keys())
    if not shown:
        raise ReplayError("the node gave no results: see its messages above")
    palette, depth_range = Palette(card.classes), viewing_range([pictures.depth[stamp] for stamp in shown])
    rows = [_row(pictures, stamp, palette, depth_range) for stamp in shown]
    _write_strip(out / "strip.png", rows, pictures, shown, palette)
    _write_video(out / "video.mp4", rows, _rate(shown))
    summary = _summarise(traffic, breaks_off)
    write_json(out / "summary.json", asdict(summary))
    return summary


def _rate(stamps: list[int]) -> float:
    return (len(stamps) - 1) / ((stamps[-1] - stamps[0]) / 1e9) if len(stamps) > 1 else 1.0


def _summarise(traffic: Traffic, breaks_off: str | None) -> Summary:
    latencies = [(t - traffic.sent[stamp]) * 1e3 for stamp, t in traffic.received.items() if stamp in traffic.sent]
    return Summary(
        frames_in=traffic.frames_in,
        frames_out=traffic.frames_out,
        frames_dropped=traffic.frames_in - traffic.frames_out,
        rate_hz=round(_rate(sorted(traffic.received)), 2),
        network_ms=float(traffic.diagnostics.get("network median [ms]", "nan")),
        end_to_end_ms=round(float(np.median(latencies)), 2),
        model=traffic.diagnostics.get("model", ""),
        device=traffic.diagnostics.get("device", ""),
        breaks_off=breaks_off,
    )


def _row(pictures: Pictures, stamp: int, palette: Palette, depth_range: tuple[float, float]) -> np.ndarray:
    rgb = rgb_from_compressed(pictures.frames[stamp])
    size = (_STRIP_WIDTH, round(rgb.shape[0] * _STRIP_WIDTH / rgb.shape[1]))
    return side_by_side(
        cv2.resize(rgb, size, interpolation=cv2.INTER_AREA),
        cv2.resize(pictures.depth[stamp], size, interpolation=cv2.INTER_NEAREST),
        cv2.resize(pictures.segmentation[stamp], size, interpolation=cv2.INTER_NEAREST),
        palette,
        depth_range,
    )


def _write_strip(path: Path, rows: list[np.ndarray], pictures: Pictures, stamps: list[int], palette: Palette) -> None:
    chosen = np.unique(np.linspace(0, len(rows) - 1, _STRIP_ROWS).round().astype(int))
    counts = sum(np.bincount(pictures.segmentation[stamps[i]].ravel(), minlength=256) for i in chosen)
    legend = palette.legend([int(i) for i in np.argsort(-counts) if counts[i]], rows[0].shape[1])
    picture = np.vstack([*(rows[i] for i in chosen), legend])
    _, data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    write_atomically(path, data.tobytes())


def _write_video(path: Path, rows: list[np.ndarray], rate: float) -> None:
    height, width = rows[0].shape[:2]
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter_fourcc(*"mp4v"), rate, (width, height))
        for row in rows:
            writer.write(cv2.cvtColor(row, cv2.COLOR_RGB2BGR))
        writer.release()
        # The writer does not tell of a full disk.
        if cv2.VideoCapture(str(temporary)).get(cv2.CAP_PROP_FRAME_COUNT) != len(rows):
            raise OSError(errno.EIO, "The video could not be written whole; is the disk full?", str(path))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
