"""What a robot would get: a recording played in its own time through the real node, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mtl_perception.evaluation.live_figures import live_figures
from mtl_perception.evaluation.process_usage import ProcessUsage
from mtl_perception.node_replay import CameraTopics, node_replay
from mtl_perception.recordings.bag_reading import open_bag
from mtl_perception.recordings.errors import BagError, ReplayError


def measure_live(bag: Path, model: Path, image: str, camera_info: str | None = None) -> dict[str, Any]:
    """Play ``bag`` to the node at the recorded pace and measure rate, latency, drops, processor time and memory.

    Takes as long as the recording. The player and the ears share the machine with the node, as drivers and
    consumers do on a robot.

    Args:
        bag: a rosbag2.
        model: network file.
        image: topic of the camera, raw or compressed.
        camera_info: its CameraInfo topic, if there is one.

    Returns:
        The part ``live`` of the metrics, see docs/recording.md. Of a bag that breaks off it tells what came before,
        and why that is not all under ``stopped_by``.

    Raises:
        BagError: the bag, or one of its topics, cannot be used.
        ReplayError: the node did not come up, ended, or gave nothing.
    """
    with open_bag(bag) as opened:
        stopped_by = opened.breaks_off
        with node_replay(opened, model, CameraTopics(image, camera_info)) as replay:
            with ProcessUsage(replay.pid) as usage:
                try:
                    replay.play()
                except BagError as error:
                    stopped_by = str(error)
            replay.wait_until_quiet()
            traffic = replay.traffic
    if not traffic.frames_in:
        raise BagError(stopped_by or f"{bag} has no images on {image}")
    if not traffic.frames_out:
        why = traffic.diagnostics.get("last error") or f"frames dropped: {dict(traffic.dropped)}"
        raise ReplayError(f"the node gave no result for {traffic.frames_in} frames of {image}: {why}")
    figures = {**live_figures(traffic), **usage.figures()}
    return figures if stopped_by is None else {**figures, "stopped_by": stopped_by}
