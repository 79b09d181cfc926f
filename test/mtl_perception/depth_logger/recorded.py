"""Pairs to record whose pictures follow from numbers, and a recorder to give them to."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace

from logged import CAMERA, HEIGHT, WIDTH, depth_of, rgb_of

from mtl_perception.dataset_index import read_index
from mtl_perception.depth_logger.alignment import View
from mtl_perception.depth_logger.camera_agreement import make_folder
from mtl_perception.depth_logger.frames import DecodedFrame
from mtl_perception.depth_logger.key_frames import KeyFrameRules
from mtl_perception.depth_logger.pairing import Pair
from mtl_perception.depth_logger.recorder import Recorder, RecorderSettings
from mtl_perception.depth_logger.registration import Camera
from mtl_perception.depth_logger.run_writer import RunSettings

RULES = KeyFrameRules(
    min_interval=0.0,
    min_sharpness=0,
    max_clipped=1,
    min_valid_depth=0,
    keep_every=0,
    min_view_change=0.2,
    min_translation=0,
    min_rotation=0,
    min_disagreement=0,
    max_confidence=0,
)

VIEW = View("eye", WIDTH, HEIGHT, Camera(WIDTH, HEIGHT, CAMERA))


def pair(number: int, view: int | None = None) -> Pair:
    """A pair every 0.1 s whose picture is of ``view``, by itself where that is None."""
    return Pair(number * 10**8, number * 10**8 + 7, number if view is None else view, number)


def decode(pair: Pair) -> DecodedFrame:
    if pair.colour == "bad":
        raise ValueError("the picture is bad")
    return DecodedFrame(pair.stamp, pair.depth_stamp, rgb_of(pair.colour), depth_of(pair.depth), VIEW, VIEW)


def aligned(frame: DecodedFrame) -> DecodedFrame:
    return frame


class Answers(list):
    def __call__(self, *answer) -> None:
        self.append(answer)


@contextmanager
def recording(folder, rules=RULES, decode=decode, align=aligned, pose_at=lambda stamp: None, **changes):
    make_folder(folder)
    run = RunSettings(
        folder, "r2", "", {}, quota=0, min_free=0, give_up=False, queue_size=changes.pop("disk_queue", 30)
    )
    run = replace(run, **{name: changes.pop(name) for name in ("quota", "give_up", "licence") if name in changes})
    settings = RecorderSettings(rules, jpeg_quality=None, look_back=0.0, look_back_rate=10.0, queue_size=30)
    recorder = Recorder(replace(settings, **changes), run, decode, align, pose_at)
    stop, recorder.stop = recorder.stop, lambda patience: None
    try:
        yield recorder
    finally:
        stop(10)


def settled(recorder: Recorder):
    """The summary when nothing waits any more."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not recorder.summary()[2]:
            return recorder.summary()[0]
        time.sleep(0.01)
    raise AssertionError(recorder.summary())


def lines(folder) -> list[dict]:
    return [line for run in read_index(folder) for line in run.frames.values()]
