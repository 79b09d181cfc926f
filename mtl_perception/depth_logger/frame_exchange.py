"""Old frames for a new one where the quota is reached: enough of them go, and no more, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl_perception.dataset_index_writer import IndexWriter
from mtl_perception.depth_logger.disk_space import LessUsefulError, NoRoomError
from mtl_perception.depth_logger.frame_drop import FrameDropper, freeable_bytes
from mtl_perception.depth_logger.least_useful import Candidate, LeastUseful, usefulness
from mtl_perception.depth_logger.protected_frames import ProtectedFrames


class FrameExchange:
    """Gives up frames of any run of the data set folder ``root``.

    Args:
        root: the data set folder.
        run: a run that this process writes.
        index: the index of that run.
    """

    def __init__(self, root: Path, run: str, index: IndexWriter) -> None:
        self._root = root
        self._run = run
        self._dropper = FrameDropper(root, run, index)
        self._protected = ProtectedFrames(root)
        self._candidates: LeastUseful | None = None  # until they are needed, as to read a long index takes long
        self.dropped = 0
        """Frames given up for others."""

    def add(self, line: Mapping[str, Any]) -> None:
        """Count in a frame that was logged, by its line of the index."""
        if self._candidates is not None:
            self._candidates.add(self._run, line)

    def protect(self, name: str) -> None:
        """Give frame ``name`` of the run up no more; its index has to tell."""
        if self._candidates is not None:
            self._candidates.protect(name)

    def make_room(self, size: int, line: Mapping[str, Any]) -> int:
        """Give up the least useful frames for one of ``size`` bytes, by its line of the index; the bytes freed.

        Raises:
            NoRoomError, LessUsefulError: nothing was given up, as what may be is not enough.
            DatasetError: ``dataset.json`` is damaged.
            OSError: the disk refuses.
        """
        if self._candidates is None:
            self._candidates = LeastUseful(self._root)
        self._protected.refresh()
        chosen: list[Candidate] = []
        freeable = 0
        for candidate in self._candidates.take_below(usefulness(line)):
            if candidate.name in self._protected or not self._dropper.may_drop(candidate.run, candidate.name):
                continue
            size_on_disk = freeable_bytes(self._root, candidate.name)
            if not size_on_disk:  # of a folder made by merging; dropping it would only lose it
                continue
            chosen.append(candidate)
            freeable += size_on_disk
            if freeable >= size:
                break
        else:
            others = any(candidate.name not in self._protected for candidate in self._candidates)
            self._candidates.put_back(chosen)
            if others:
                raise LessUsefulError("all that may be given up is more useful")
            raise NoRoomError("nothing more may be given up")
        freed = 0
        for candidate in chosen:
            freed += self._dropper.drop(candidate.run, candidate.name)
            self.dropped += 1
        return freed

    def close(self) -> None:
        """Let others write the runs of which frames were dropped."""
        self._dropper.close()
