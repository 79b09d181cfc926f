"""Which frames are worth keeping: the rules, and why each frame is kept or not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from mtl_perception.depth_logger.measures import view_change
from mtl_perception.depth_logger.rigid import distance

_REMEMBERED = 1000
"""Kept frames whose stamps are known."""
_VIEWS = 100
"""Those of which the latest that is on the disk is found again."""


@dataclass(frozen=True)
class KeyFrameRules:
    """When a frame is kept; 0 takes a rule away, but for ``max_clipped``, where 1 does.

    A frame must keep its distance in time and be of use: ``min_interval``, ``min_sharpness``, ``max_clipped``,
    ``min_valid_depth``. Of these frames are kept the first, and those for which one of the other rules gives a reason.

    Attributes:
        min_interval: least seconds between two kept frames.
        min_sharpness: least variance of the Laplacian.
        max_clipped: largest share of pixels almost black or almost white.
        min_valid_depth: least share of pixels with depth.
        keep_every: seconds after which a frame is kept even of the same view; reason ``"time"``.
        min_view_change: difference from the view kept last, see ``measures.view_change``; reason ``"view"``.
        min_translation, min_rotation: metres and degrees the robot moved since, any where its pose was unknown then;
            reason ``"pose"``.
        min_disagreement: mean relative error of predicted depth; reason ``"disagreement"``.
        max_confidence: mean confidence of the predicted classes; reason ``"low_confidence"``.
    """

    min_interval: float
    min_sharpness: float
    max_clipped: float
    min_valid_depth: float
    keep_every: float
    min_view_change: float
    min_translation: float
    min_rotation: float
    min_disagreement: float
    max_confidence: float

    @property
    def need_predictions(self) -> bool:
        """Whether a rule asks for what the perception node makes of the frame."""
        return bool(self.min_disagreement or self.max_confidence)


@dataclass(frozen=True)
class FrameMeasures:
    """What is known of a frame.

    Attributes:
        stamp: ns.
        thumbnail: see ``measures.thumbnail``.
        sharpness, clipped, valid_depth: see ``measures``.
        pose: (4, 4) of the robot or the camera, or None.
    """

    stamp: int
    thumbnail: np.ndarray
    sharpness: float
    clipped: float
    valid_depth: float
    pose: np.ndarray | None = None


@dataclass(frozen=True)
class Decision:
    """Whether a frame is kept: ``reason`` says why, or ``refusal`` why not; the other is empty."""

    reason: str = ""
    refusal: str = ""


class KeyFrameSelector:
    """Judges frames by ``rules`` and by those kept before."""

    def __init__(self, rules: KeyFrameRules) -> None:
        self.rules = rules
        self._last: FrameMeasures | None = None
        self._views: deque[FrameMeasures] = deque(maxlen=_VIEWS)
        self._stamps: deque[int] = deque(maxlen=_REMEMBERED)

    def is_too_soon(self, stamp: int) -> bool:
        """Whether a frame of ``stamp`` (ns) need not be looked at: one kept is too near in time."""
        return any(abs(stamp - kept) < self.rules.min_interval * 1e9 for kept in reversed(self._stamps))

    def has_kept(self, stamp: int) -> bool:
        """Whether the frame of ``stamp`` (ns) was kept."""
        return stamp in self._stamps

    def judge(self, frame: FrameMeasures) -> Decision:
        """Whether to keep ``frame`` for what it shows."""
        refusal = self._refusal(frame)
        if refusal:
            return Decision(refusal=refusal)
        last, rules = self._last, self.rules
        if last is None:
            return Decision("first")
        if rules.min_view_change and self.change(frame) >= rules.min_view_change:
            return Decision("view")
        if frame.pose is not None and self._moved(last.pose, frame.pose):
            return Decision("pose")
        if rules.keep_every and frame.stamp - last.stamp >= rules.keep_every * 1e9:
            return Decision("time")
        return Decision(refusal="same view")

    def judge_prediction(
        self, frame: FrameMeasures, disagreement: float | None = None, confidence: float | None = None
    ) -> Decision:
        """Whether to keep ``frame``, not kept for what it shows, for what a network made of it."""
        refusal = self._refusal(frame)
        if refusal:
            return Decision(refusal=refusal)
        if disagreement is not None and 0 < self.rules.min_disagreement <= disagreement:
            return Decision("disagreement")
        if confidence is not None and self.rules.max_confidence and confidence <= self.rules.max_confidence:
            return Decision("low_confidence")
        return Decision(refusal="predicted well")

    def change(self, frame: FrameMeasures) -> float:
        """How much the view of ``frame`` differs from the one kept last, 0..1; 1 when none was kept."""
        return 1.0 if self._last is None else view_change(self._last.thumbnail, frame.thumbnail)

    def keep(self, frame: FrameMeasures) -> None:
        """Remember that ``frame`` is kept; one from before the last only keeps others away from its time."""
        if self._last is None or frame.stamp >= self._last.stamp:
            self._last = frame
        self._views.append(frame)
        self._stamps.append(frame.stamp)

    def take_back(self, frame: FrameMeasures) -> None:
        """Compare no other with ``frame``, which was kept but not written.

        It still keeps others away from its time, so that a full disk is not asked more often than ``min_interval``.
        """
        self._views = deque((view for view in self._views if view is not frame), maxlen=_VIEWS)
        if self._last is frame:
            self._last = max(reversed(self._views), key=lambda view: view.stamp, default=None)

    def begin_anew(self) -> None:
        """Forget what was kept: time has gone back."""
        self._last = None
        self._views.clear()
        self._stamps.clear()

    def _moved(self, before: np.ndarray | None, now: np.ndarray) -> bool:
        """Whether the robot moved enough; from where nobody knows it may have come any way."""
        rules = self.rules
        if not (rules.min_translation or rules.min_rotation):
            return False
        metres, degrees = (np.inf, np.inf) if before is None else distance(before, now)
        return bool(
            (rules.min_translation and metres >= rules.min_translation)
            or (rules.min_rotation and degrees >= rules.min_rotation)
        )

    def _refusal(self, frame: FrameMeasures) -> str:
        rules = self.rules
        if self.is_too_soon(frame.stamp):
            return "too soon"
        if frame.sharpness < rules.min_sharpness:
            return "blurred"
        if frame.clipped > rules.max_clipped:
            return "badly exposed"
        if frame.valid_depth < rules.min_valid_depth:
            return "little depth"
        return ""
