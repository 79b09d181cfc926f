"""The disk's end of the logger: frames that were chosen go into a run of a data set folder, from one thread."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_perception.dataset_folder import DatasetError, DatasetInfo, Intrinsics
from mtl_perception.depth_logger.alignment import View
from mtl_perception.depth_logger.camera_agreement import agree_on_camera, camera_difference
from mtl_perception.depth_logger.dataset_log import SOFTWARE, DatasetLog, EncodedFrame
from mtl_perception.depth_logger.disk_space import GIGABYTE, DiskSpace, LessUsefulError, NoRoomError
from mtl_perception.depth_logger.least_useful import is_asked_for
from mtl_perception.depth_logger.log_statistics import LogStatistics
from mtl_perception.depth_logger.log_worker import LogWorker

_BATCH = 8
"""Frames written together when they wait: their folders are then synced once."""
_REMEMBERED = 1000
"""Latest written frames that are known again."""

Answer = Callable[[bool, str], None]
"""Told whether a frame that somebody asked for was logged, and its name or why not."""


@dataclass(frozen=True)
class RunSettings:
    """Where a run goes, and what is told of it.

    Attributes:
        folder: the data set folder, which can be written.
        robot: name of the robot.
        licence: terms of the frames; empty says nothing.
        header: what the index tells of the run beside ``frame_id``: topics and rules.
        quota, min_free: GB the folder may hold, and that must stay free on its disk; a quota of 0 is none.
        give_up: where the quota is reached, give up the least useful frames; else refuse new ones.
        queue_size: encoded frames that may wait for the disk.
    """

    folder: Path
    robot: str
    licence: str
    header: Mapping[str, Any]
    quota: float
    min_free: float
    give_up: bool
    queue_size: int


@dataclass(frozen=True)
class ChosenFrame:
    """A frame to write.

    Attributes:
        encoded: its files, and what the index is to tell.
        view: its camera, which is known.
        answer: told what became of it, where somebody asked for it.
        on_loss: called where it is not written, from any thread.
    """

    encoded: EncodedFrame
    view: View
    answer: Answer | None = None
    on_loss: Callable[[], None] | None = None

    @property
    def identity(self) -> tuple[int, int]:
        """Its stamp and a checksum of its colour: a simulator that starts again stamps other frames alike."""
        return self.encoded.line["stamp"], zlib.crc32(self.encoded.rgb)


@dataclass(frozen=True)
class FolderState:
    """The folder as of now: the run's name (empty before its first frame), GB held and free, frames given up."""

    run: str
    used: float
    free: float
    given_up: int


class RunWriter:
    """Writes chosen frames in a thread of its own; the run begins with the first."""

    def __init__(self, settings: RunSettings, statistics: LogStatistics) -> None:
        self._settings = settings
        self._statistics = statistics
        self._log: DatasetLog | None = None
        self._info: DatasetInfo | None = None
        self._names: dict[tuple[int, int], str] = {}
        self._asked_for: set[str] = set()
        """Names of those frames that are known as such to the index."""
        self._worker = LogWorker("log_disk", self._write, self._on_error, capacity=settings.queue_size, batch=_BATCH)

    @property
    def waiting(self) -> int:
        """Frames that wait for the disk."""
        return self._worker.waiting

    def put(self, frame: ChosenFrame) -> bool:
        """Have ``frame`` written; False, and it is counted as lost, when too many wait."""
        if self._worker.put(frame):
            return True
        trouble = f"the disk is too slow: {self._settings.queue_size} frames wait for it"
        self._lose(frame, "disk too slow", trouble)
        return False

    def state(self) -> FolderState:
        """The folder as of now."""
        log = self._log
        if log is None:
            return FolderState("", 0.0, 0.0, 0)
        try:
            free = log.space.free / GIGABYTE
        except OSError:  # the disk was taken away; what is written to it says so
            free = float("nan")
        return FolderState(log.run, log.space.used / GIGABYTE, free, log.dropped)

    def stop(self, patience: float) -> None:
        """Write what waits, ``patience`` seconds at the most, and end the run."""
        left = self._worker.stop(patience)
        if left:
            self._statistics.lost("still waiting at the end", f"{left} frames waited for the disk at the end", left)
        if self._log:
            self._log.close()

    def _write(self, frames: Sequence[ChosenFrame]) -> None:
        fitting: dict[tuple[int, int], ChosenFrame] = {}
        refused, again = [], []
        for frame in frames:
            identity = frame.identity
            if identity in fitting:  # asked for while it waited
                again.append(frame)
            elif name := self._name_on_disk(frame):
                self._have_again(frame, name)
            elif refusal := self._refusal(frame):
                refused.append((frame, *refusal))
            else:
                fitting[identity] = frame
        if fitting:
            self._append(list(fitting.values()))
        for refusal in refused:  # last, as what is written ends the trouble
            self._lose(*refusal)
        if again:
            self._write(again)

    def _append(self, frames: Sequence[ChosenFrame]) -> None:
        results: Sequence[str | Exception]
        try:
            results = self._log.append([frame.encoded for frame in frames])
        except Exception as error:  # a fault of this program: still everybody is told
            results = [error] * len(frames)
        for frame, result in zip(frames, results):  # noqa: B905  # one for each
            if isinstance(result, str):
                self._statistics.written(posed=frame.encoded.pose is not None)
                self._remember(frame, result)
                if frame.answer is not None:
                    frame.answer(True, result)
            elif isinstance(result, LessUsefulError):  # as it should be: no trouble
                self._lose(frame, "less useful than what is there", "", str(result))
            elif isinstance(result, NoRoomError):
                self._lose(frame, "no room", f"nothing more is logged: {result}")
            else:
                is_fault = not isinstance(result, (OSError, DatasetError))
                why = "failed" if is_fault else "disk error"
                self._lose(frame, why, f"cannot write: {_described(result)}")

    def _remember(self, frame: ChosenFrame, name: str) -> None:
        self._names[frame.identity] = name
        if is_asked_for(frame.encoded.line):
            self._asked_for.add(name)
        if len(self._names) > _REMEMBERED:
            self._asked_for.discard(self._names.pop(next(iter(self._names))))

    def _name_on_disk(self, frame: ChosenFrame) -> str | None:
        """The frame's name where it is on the disk already and was not given up or taken away since."""
        name = self._names.get(frame.identity)
        if name is None:
            return None
        is_there = (self._settings.folder / "rgb" / f"{name}{frame.encoded.rgb_suffix}").exists()
        return name if is_there else None

    def _have_again(self, frame: ChosenFrame, name: str) -> None:
        """Do not write twice what is on the disk; the index tells if somebody asked for it."""
        if not is_asked_for(frame.encoded.line):  # a bag began again
            self._statistics.lost("logged already")
            return
        try:
            if name not in self._asked_for:
                self._log.mark_asked_for(name)
                self._asked_for.add(name)
        except OSError as error:
            self._lose(frame, "disk error", f"{name} is logged, but not as asked for: {_described(error)}")
            return
        if frame.answer is not None:
            frame.answer(True, name)

    def _refusal(self, frame: ChosenFrame) -> tuple[str, str] | None:
        """Why the frame cannot lie in the folder, in a word and in full; the run begins with the first that can."""
        try:
            if self._log is None:
                self._begin(frame)
            difference = camera_difference(self._info, *_camera(frame))
        except DatasetError as error:
            return "another camera", str(error)
        except OSError as error:
            return "disk error", f"cannot write: {_described(error)}"
        if difference:
            return "another camera", f"{self._settings.folder} holds frames of another kind: {difference}"
        return None

    def _begin(self, frame: ChosenFrame) -> None:
        s = self._settings
        source = f"logged by {SOFTWARE} on {s.robot}"
        self._info = agree_on_camera(s.folder, *_camera(frame), s.licence, source)
        space = DiskSpace(s.folder, round(s.quota * GIGABYTE), round(s.min_free * GIGABYTE))
        header = {**s.header, "frame_id": frame.view.frame_id}
        self._log = DatasetLog(s.folder, s.robot, header, space, give_up=s.give_up)

    def _on_error(self, error: Exception) -> None:
        self._statistics.lost("failed", f"{type(error).__name__}: {error}")

    def _lose(self, frame: ChosenFrame, why: str, trouble: str, answer: str = "") -> None:
        self._statistics.lost(why, trouble, lasts=True)
        if frame.on_loss is not None:
            frame.on_loss()
        if frame.answer is not None:
            frame.answer(False, answer or trouble)


def _camera(frame: ChosenFrame) -> tuple[int, int, Intrinsics]:
    return frame.view.width, frame.view.height, frame.view.camera.intrinsics


def _described(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
    return str(error) if isinstance(error, DatasetError) else f"{type(error).__name__}: {error}"
