"""Add frames to a data set folder so that no power cut leaves one torn, or one in the index that has not all its files.

The order is what makes it so. A frame's files are written each whole or not at all, colour last, and synced; then the
folders, so that the names are on the disk as well; then the line of the index (``dataset_index``). Whatever is cut off
before the line leaves files that no index knows. Frames that wait are written together: a folder is then synced once
for all of them.
"""

from __future__ import annotations

import errno
import re
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtl_perception import __version__
from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, check_name
from mtl_perception.dataset_index_writer import IndexWriter, sync_folder
from mtl_perception.depth_logger.disk_space import DiskSpace, LessUsefulError, NoRoomError
from mtl_perception.depth_logger.frame_drop import remove_files
from mtl_perception.depth_logger.frame_exchange import FrameExchange

SOFTWARE = f"mtl_perception {__version__}"


def robot_name(given: str) -> str:
    """The name of this robot: as given, or the host's without what names of frames may not hold.

    Raises:
        DatasetError: the given one cannot be part of a frame's name.
    """
    if given:
        return check_name(given)
    return re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname()).strip("-") or "robot"


@dataclass(frozen=True)
class EncodedFrame:
    """A frame as it goes to the disk.

    Attributes:
        rgb: content of the colour file.
        rgb_suffix: ``".jpg"`` or ``".png"``.
        depth: content of the depth file: a PNG of uint16.
        pose: (4, 4) camera-to-world, metres, or None where it is unknown.
        line: what the index is to tell of the frame, but for its name: ``stamp``, ``depth_stamp``, ``reason``, ...
    """

    rgb: bytes
    rgb_suffix: str
    depth: bytes
    pose: np.ndarray | None
    line: Mapping[str, Any]

    def files(self, name: str) -> dict[str, bytes]:
        """Content by path within the data set folder, colour last."""
        files = {f"depth/{name}.png": self.depth}
        if self.pose is not None:
            rows = "\n".join(" ".join(f"{v:.9f}" for v in row) for row in self.pose)
            files[f"pose/{name}.txt"] = f"{rows}\n".encode()
        files[f"rgb/{name}{self.rgb_suffix}"] = self.rgb
        return files

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(map(len, self.files("name").values()))


class DatasetLog:
    """One run of a robot in a data set folder, which other runs may share; at most one thread at a time.

    Args:
        root: the data set folder; it has a ``dataset.json`` (``camera_agreement``).
        robot: name of the robot, as ``check_name`` allows.
        header: what the index is to tell of the run, beside its name, robot, start and software.
        space: how much the folder may hold.
        give_up: where the quota is reached, give up the least useful frames; else refuse new ones.

    Raises:
        DatasetError: the folder or an index in it is not what it should be.
        OSError: the disk refuses.
    """

    def __init__(
        self, root: Path, robot: str, header: Mapping[str, Any], space: DiskSpace, *, give_up: bool = False
    ) -> None:
        self.root = root
        self.space = space
        self._give_up = give_up
        self._next = 0
        self._known_folders: set[Path] = set()
        now = time.gmtime()
        self.run = f"{check_name(robot)}-{time.strftime('%Y%m%dT%H%M%S', now)}-{secrets.token_hex(2)}"
        """The run's name."""
        self._index = IndexWriter.create(
            root,
            {
                "run": self.run,
                "robot": robot,
                "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
                "software": SOFTWARE,
                **header,
            },
        )
        self._exchange = FrameExchange(root, self.run, self._index)

    @property
    def dropped(self) -> int:
        """Frames given up for others."""
        return self._exchange.dropped

    def append(self, frames: Sequence[EncodedFrame]) -> list[str | Exception]:
        """Write ``frames``; when this returns they are on the disk and in the index.

        Returns:
            For each frame its name, or why it is not there: ``NoRoomError``, ``LessUsefulError``, OSError, or
            DatasetError where the folder is damaged.
        """
        if not self._index.is_in_place():  # else files would go where no index is
            text = "the folder was moved or taken away; configure the logger anew"
            return [FileNotFoundError(errno.ENOENT, text, str(self.root))] * len(frames)
        results: list[str | Exception] = []
        written: dict[str, EncodedFrame] = {}
        for frame in frames:
            name = f"{self.run}-{self._next:06d}"
            self._next += 1
            try:
                self._make_room(frame, is_first=not written)
                self._write_files(name, frame)
            except (NoRoomError, OSError, DatasetError) as error:
                results.append(error)
            else:
                written[name] = frame
                results.append(name)
        try:
            self._enter(written)
        except OSError as error:
            for name in written:
                self.space.change(-remove_files(self.root, name))
            results = [error if isinstance(result, str) else result for result in results]
        return results

    def mark_asked_for(self, name: str) -> None:
        """Never give up frame ``name`` of this run, which is on the disk: somebody asked for it after it was written.

        Raises:
            OSError: the disk refuses; it may be given up in a later run.
        """
        self._exchange.protect(name)
        self._index.append([{"asked_for": name}])

    def close(self) -> None:
        """End the run."""
        self._exchange.close()
        self._index.close()

    def _make_room(self, frame: EncodedFrame, *, is_first: bool) -> None:
        too_full = self.space.too_full(frame.size)
        if too_full:  # others fill the disk too: what is given up may be theirs in a moment
            raise NoRoomError(too_full)
        excess = self.space.excess(frame.size)
        if not excess:
            return
        if not self._give_up or not self.space.can_hold(frame.size):
            raise NoRoomError(self.space.quota_reached)
        # What is beyond the quota for another reason, as labels are or what a larger one let in, is not this frame's.
        wanted = min(excess, frame.size)
        try:
            self.space.change(-self._exchange.make_room(wanted, frame.line))
        except NoRoomError as error:
            # The frames before it, not in the index yet, may be given up for the next: no trouble.
            kind = type(error) if is_first else LessUsefulError
            raise kind(f"{self.space.quota_reached}, and {error}") from error

    def _write_files(self, name: str, frame: EncodedFrame) -> None:
        try:
            for path, data in frame.files(name).items():
                write_atomically(self.root / path, data)
        except OSError:
            with suppress(OSError):
                remove_files(self.root, name)
            raise
        self.space.change(frame.size)

    def _enter(self, written: Mapping[str, EncodedFrame]) -> None:
        """Put frames whose files are written into the index."""
        if not written:
            return
        folders = {Path(path).parent for name, frame in written.items() for path in frame.files(name)}
        for folder in folders:
            sync_folder(self.root / folder)
        if folders - self._known_folders:
            sync_folder(self.root)
            self._known_folders |= folders
        lines = [{"name": name, **frame.line} for name, frame in written.items()]
        self._index.append(lines)
        for line in lines:
            self._exchange.add(line)
