"""From pairs of colour and depth to frames on the disk: looked at in one thread, written in another."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np

from mtl_perception.depth_logger.frames import DecodedFrame, encode
from mtl_perception.depth_logger.key_frames import FrameMeasures, KeyFrameRules, KeyFrameSelector
from mtl_perception.depth_logger.log_statistics import LogStatistics, LogSummary
from mtl_perception.depth_logger.log_worker import LogWorker
from mtl_perception.depth_logger.look_back import LookBack
from mtl_perception.depth_logger.measures import (
    clipped,
    disagreement,
    mean_confidence,
    sharpness,
    thumbnail,
    valid_depth,
)
from mtl_perception.depth_logger.pairing import Pair
from mtl_perception.depth_logger.run_writer import Answer, ChosenFrame, FolderState, RunSettings, RunWriter

_CURRENT = 1.0
"""Seconds for which a pair that came is the current one."""
_PREDICTED_WITHIN = 10**9
"""Nanoseconds for which a pair waits for what the network makes of it."""
_MOST_WAITING = 60
"""Pairs that may wait for that."""
_MOST_EARLY = 20
"""Predictions that may wait for their pair: depth, or what tells that no nearer depth comes, may be later than they."""
_STEP_BACK = 10**9
"""Nanoseconds by which stamps go back at the least where a bag begins again; by less a clock is set, and it passes."""


@dataclass(frozen=True)
class RobotPose:
    """Where the robot was: ``base``, (4, 4) in the odometry's frame, and ``camera`` likewise, None where unknown."""

    base: np.ndarray
    camera: np.ndarray | None


@dataclass(frozen=True)
class _Prediction:
    """What the network made of the colour of ``stamp`` (ns): depth, metres, or the confidence of the classes."""

    stamp: int
    depth: np.ndarray | None
    confidence: np.ndarray | None


@dataclass(frozen=True)
class RecorderSettings:
    """How frames are looked at.

    Attributes:
        rules: which frames are kept.
        jpeg_quality: of colour that does not come as a file; None stores PNG.
        look_back: seconds before a trigger that are kept for it; 0 keeps none.
        look_back_rate: frames a second of these.
        queue_size: pairs that may wait to be looked at, and frames to be written.
    """

    rules: KeyFrameRules
    jpeg_quality: int | None
    look_back: float
    look_back_rate: float
    queue_size: int


class Recorder:
    """Keeps what is worth keeping of the pairs it is given.

    A frame that was chosen is not chosen again, but may be asked for: it is written if it is not on the disk yet, and
    never given up. One that could not be written does not count as the view kept last.

    Args:
        settings: how frames are looked at.
        run: where they go; its queue is made to hold a look-back as well.
        decode: makes a frame of a pair; a ValueError, in one line, says what is wrong with it.
        align: brings its depth into the colour image, likewise; asked only for frames that are kept, as it takes long.
        pose_at: the robot's pose at a stamp (ns), or None.
    """

    def __init__(
        self,
        settings: RecorderSettings,
        run: RunSettings,
        decode: Callable[[Pair], DecodedFrame],
        align: Callable[[DecodedFrame], DecodedFrame],
        pose_at: Callable[[int], RobotPose | None],
    ) -> None:
        self._settings = settings
        self._decode = decode
        self._align = align
        self._pose_at = pose_at
        self._statistics = LogStatistics()
        self._selector = KeyFrameSelector(settings.rules)
        self._look_back: LookBack[Pair] = LookBack(settings.look_back, settings.look_back_rate)
        self._latest: tuple[Pair, float] | None = None
        self._predictable: deque[Pair] = deque(maxlen=_MOST_WAITING)
        self._early: deque[_Prediction] = deque(maxlen=_MOST_EARLY)
        self._asked: deque[tuple[Pair, str, Answer | None]] = deque()
        """Pairs to be logged whatever the rules say, the reason of each, and whom to tell."""
        self._not_written: deque[FrameMeasures] = deque()
        """Frames that were chosen and lost, as the writer's thread tells."""
        self._stop_asked_at = float("inf")
        self._writer = RunWriter(run, self._statistics)
        self._worker: LogWorker[Callable[[], None]] = LogWorker(
            "log_choice", _call_all, self._on_error, capacity=settings.queue_size
        )

    def put(self, pair: Pair) -> None:
        """Look at ``pair`` when its turn comes."""
        self._statistics.pair()
        if not self._worker.put(partial(self._consider, pair, time.monotonic())):
            trouble = f"the processor is too slow: {self._settings.queue_size} pairs wait to be looked at"
            self._statistics.lost("not looked at in time", trouble)

    def put_prediction(self, stamp: int, depth: np.ndarray | None = None, confidence: np.ndarray | None = None) -> None:
        """Look again at the pair whose colour is of ``stamp`` (ns), by what the network made of it.

        Args:
            stamp: ns.
            depth: (h, w) float32 metres predicted.
            confidence: (h, w) uint8 of the predicted classes.
        """
        self._worker.put(partial(self._consider_prediction, _Prediction(stamp, depth, confidence)))

    def log_now(self, answer: Answer) -> None:
        """Log the current pair and the look-back, whatever the rules say; ``answer`` is called from another thread."""
        if not self._worker.put(partial(self._log_now, answer)):
            answer(False, "too much waits to be looked at")

    def not_usable(self, why: str) -> None:
        """Count a pair that came and cannot be looked at yet."""
        self._statistics.pair()
        self._statistics.not_kept(why)

    def summary(self) -> tuple[LogSummary, FolderState, int]:
        """What became of the frames; the folder; how many wait, to be looked at or to be written."""
        return self._statistics.summary(), self._writer.state(), self._worker.waiting + self._writer.waiting

    def stop(self, patience: float) -> None:
        """Look at and write what waits, ``patience`` seconds at the most for either, and end the run."""
        self._stop_asked_at = time.monotonic() + patience
        left = self._worker.stop(patience) + len(self._asked)
        if left:
            self._statistics.lost("still waiting at the end", f"{left} pairs waited to be looked at at the end", left)
        self._writer.stop(patience)

    def _consider(self, pair: Pair, came: float) -> None:
        if self._latest and self._latest[0].stamp - pair.stamp > _STEP_BACK:
            self._selector.begin_anew()
            self._predictable.clear()
            self._early.clear()
        self._latest = (pair, came)
        self._look_back.add(pair.stamp, pair)
        self._judge(pair)
        if self._settings.rules.need_predictions:
            self._predictable.append(pair)
            while pair.stamp - self._predictable[0].stamp > _PREDICTED_WITHIN:
                self._predictable.popleft()
            early, self._early = self._early, deque(maxlen=_MOST_EARLY)
            for prediction in early:  # those that are still early are put back
                self._consider_prediction(prediction)

    def _judge(self, pair: Pair) -> None:
        while self._not_written:
            self._selector.take_back(self._not_written.popleft())
        if self._selector.is_too_soon(pair.stamp):
            self._statistics.not_kept("too soon")
            return
        frame = self._decode(pair)
        measures = self._measure(frame)
        decision = self._selector.judge(measures)
        if not decision.reason:
            self._statistics.not_kept(decision.refusal)
            return
        frame = self._align(frame)
        measures = replace(measures, valid_depth=valid_depth(frame.depth))
        if measures.valid_depth < self._settings.rules.min_valid_depth:  # most of it is out of the colour image
            self._statistics.not_kept("little depth")
        else:
            self._keep(frame, measures, decision.reason)

    def _consider_prediction(self, prediction: _Prediction) -> None:
        stamp = prediction.stamp
        if self._latest is None or stamp > self._latest[0].stamp:
            self._early.append(prediction)
            return
        pair = next((p for p in self._predictable if p.stamp == stamp), None)
        if pair is None or self._selector.has_kept(stamp) or self._selector.is_too_soon(stamp):
            return
        frame = self._align(self._decode(pair))
        measures = self._measure(frame)
        told: dict[str, float] = {}
        if prediction.depth is not None and (value := disagreement(frame.depth, prediction.depth)) is not None:
            told["disagreement"] = round(value, 4)
        if prediction.confidence is not None:
            told["confidence"] = round(mean_confidence(prediction.confidence), 4)
        decision = self._selector.judge_prediction(measures, **told)
        if decision.reason:
            self._keep(frame, measures, decision.reason, told)

    def _log_now(self, answer: Answer) -> None:
        if self._latest is None or time.monotonic() - self._latest[1] > _CURRENT:
            answer(False, f"no pair of colour and depth came in the last {_CURRENT:g} s: see /diagnostics")
            return
        current = self._latest[0]
        before = (pair for pair in self._look_back.take(current.stamp) if pair is not current)
        self._asked.extend((pair, "look_back", None) for pair in before)
        self._asked.append((current, "service", answer))
        self._log_asked()

    def _log_asked(self) -> None:
        """Log the next pair that was asked for; others come between them, or a long look-back would cost these."""
        while self._asked and time.monotonic() < self._stop_asked_at:
            pair, reason, answer = self._asked.popleft()
            try:
                self._keep_decoded(pair, reason, answer)
            except Exception as error:  # the others are asked for all the same
                if answer is not None:
                    answer(False, str(error))
                self._on_error(error)
            if self._asked and self._worker.put(self._log_asked):
                return

    def _keep_decoded(self, pair: Pair, reason: str, answer: Answer | None) -> None:
        frame = self._align(self._decode(pair))
        self._keep(frame, self._measure(frame), reason, answer=answer)

    def _measure(self, frame: DecodedFrame) -> FrameMeasures:
        grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY)
        pose = self._pose_at(frame.stamp)
        return FrameMeasures(
            frame.stamp,
            thumbnail(grey),
            sharpness(grey),
            clipped(grey),
            valid_depth(frame.depth),
            pose.base if pose else None,
        )

    def _keep(
        self,
        frame: DecodedFrame,
        measures: FrameMeasures,
        reason: str,
        told: dict[str, float] | None = None,
        answer: Answer | None = None,
    ) -> None:
        line: dict[str, Any] = {
            "reason": reason,
            "sharpness": round(measures.sharpness, 2),
            "valid_depth": round(measures.valid_depth, 4),
            "clipped": round(measures.clipped, 4),
            "view_change": round(self._selector.change(measures), 4),
            **(told or {}),
        }
        pose = self._pose_at(frame.stamp)
        if pose:
            line["robot_pose"] = np.round(pose.base, 6).tolist()
        encoded = encode(frame, self._settings.jpeg_quality, pose.camera if pose else None, line)
        if not self._selector.has_kept(frame.stamp):  # else it was chosen before, and is asked for
            self._statistics.kept(reason)
        if self._writer.put(ChosenFrame(encoded, frame.view, answer, partial(self._not_written.append, measures))):
            self._selector.keep(measures)

    def _on_error(self, error: Exception) -> None:
        # What is wrong with a frame is said in one line; anything else is a fault of this program.
        is_expected = isinstance(error, ValueError)
        self._statistics.lost(
            "bad frame" if is_expected else "failed", str(error) if is_expected else f"{type(error).__name__}: {error}"
        )


def _call_all(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        call()
