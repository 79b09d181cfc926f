"""The demonstration: a recorded camera through the real node, and pictures of what came out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mtl_perception.atomic_write import check_writable
from mtl_perception.demo_pictures import DemoPictures, rate_of
from mtl_perception.json_file import write_json
from mtl_perception.network import read_card
from mtl_perception.node_replay import CameraTopics, node_replay
from mtl_perception.node_traffic import Traffic
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.bags import CAMERA_INFO_TOPIC, IMAGE_TOPIC
from mtl_perception.recordings.errors import BagError, ReplayError
from mtl_perception.share import model_path, share_directory
from mtl_perception.visualize import Palette


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


def replay(bag: Path, model: Path, pictures: DemoPictures) -> tuple[Traffic, str | None]:
    """Play ``bag`` to the node at the recorded pace, ``pictures`` seeing what goes in and out; last, why it breaks off.

    Raises:
        ReplayError, BagError: as ``run``.
    """
    image = f"{IMAGE_TOPIC}/compressed"
    with open_bag(bag) as opened:
        if image not in opened.topics:
            lacks = f"{bag} has no compressed images on {image}: make it with `mtl-perception bag from-folder`"
            raise BagError(opened.breaks_off or lacks)
        topics = CameraTopics(image, CAMERA_INFO_TOPIC if CAMERA_INFO_TOPIC in opened.topics else None)
        with node_replay(opened, model, topics, pictures.take_result) as node:
            node.play(pictures.take_frame)
            node.wait_until_quiet()
    return node.traffic, opened.breaks_off


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
    with closing(DemoPictures(out, Palette(card.classes))) as pictures:
        traffic, breaks_off = replay(bag or share_directory() / "demo" / "rooms.mcap", path, pictures)
        if not pictures.finish():
            raise ReplayError("the node gave no results: see its messages above")
    summary = _summarise(traffic, breaks_off)
    write_json(out / "summary.json", asdict(summary))
    return summary


def _summarise(traffic: Traffic, breaks_off: str | None) -> Summary:
    latencies = [(t - traffic.sent[stamp]) * 1e3 for stamp, t in traffic.received.items() if stamp in traffic.sent]
    return Summary(
        frames_in=traffic.frames_in,
        frames_out=traffic.frames_out,
        frames_dropped=traffic.frames_in - traffic.frames_out,
        rate_hz=round(rate_of(sorted(traffic.received)), 2),
        network_ms=float(traffic.diagnostics.get("network median [ms]", "nan")),
        end_to_end_ms=round(float(np.median(latencies)), 2),
        model=traffic.diagnostics.get("model", ""),
        device=traffic.diagnostics.get("device", ""),
        breaks_off=breaks_off,
    )
