"""Any recording there is, read message by message: rosbag2 (MCAP, SQLite, split, compressed), ROS 1, broken off.

What a message holds is told by its type's name alone, not by definitions the file may bring along: those of the
messages that matter here have been the same in every ROS 2, and bags that lack them, or bring strange ones, read too.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rosbags.interfaces import Connection, ConnectionExtRosbag1, QosDurability
from rosbags.rosbag1 import Reader as Ros1Reader
from rosbags.rosbag2 import Reader as Ros2Reader
from rosbags.rosbag2.storage_mcap import McapReader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from mtl_perception.recordings.errors import BagError
from mtl_perception.recordings.truncated_mcap import TruncatedMcap

_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
_TRANSFORMS = "tf2_msgs/msg/TFMessage"
_STORAGES = {".mcap": "mcap", ".db3": "sqlite3", ".bag": "ros1"}


@dataclass(frozen=True)
class BagMessage:
    """One recorded message: topic, type (``"sensor_msgs/msg/Image"``), time (ns) and its CDR bytes."""

    topic: str
    type: str
    time: int
    data: bytes


@dataclass(frozen=True)
class RecordedTopic:
    """A topic of a bag: its type (``"sensor_msgs/msg/Image"``), how many messages it has, and if it was latched."""

    type: str
    count: int
    latched: bool = False


class Bag:
    """An open recording.

    Attributes:
        path: what was opened.
        storage: ``"mcap"``, ``"sqlite3"`` or ``"ros1"``.
        notes: what is strange about it, one line each.
        breaks_off: why it lacks messages, one line; None where it is whole as far as can be told.
    """

    def __init__(self, path: Path, storage: str, readers: Sequence[Ros1Reader | Ros2Reader]) -> None:
        self.path = path
        self.storage = storage
        self.notes: list[str] = []
        self.breaks_off: str | None = None
        self._readers = readers
        self._store = get_typestore(Stores.ROS1_NOETIC if storage == "ros1" else Stores.ROS2_JAZZY)
        if storage == "ros1":  # not among those the library knows
            self._store.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", _TRANSFORMS))

    @property
    def topics(self) -> dict[str, RecordedTopic]:
        """What was recorded, by topic."""
        found: dict[str, RecordedTopic] = {}
        for reader in self._readers:
            for connection in reader.connections:
                before = found.get(connection.topic, RecordedTopic(connection.msgtype, 0))
                count, latched = connection.msgcount + before.count, before.latched or _is_latched(connection)
                found[connection.topic] = RecordedTopic(connection.msgtype, count, latched)
        return dict(sorted(found.items()))

    def messages(self, topics: Sequence[str] | None = None) -> Iterator[BagMessage]:
        """The messages of ``topics`` (None: all) in order of recording.

        Raises:
            BagError: the file is damaged from there on.
        """
        wanted = list(self.topics) if topics is None else topics
        streams = [stream for reader in self._readers for stream in _streams(reader, wanted)]
        try:
            for connection, time, data in heapq.merge(*streams, key=lambda item: item[1]):
                yield BagMessage(connection.topic, connection.msgtype, time, bytes(data))
        except Exception as error:  # of the library, its parsers, decompressors and SQLite
            raise BagError(f"{self.path} is damaged: {_one_line(error)}") from error

    def fields(self, message: BagMessage) -> Any:
        """What the message holds, under the names of ROS 2.

        Raises:
            BagError: the bytes are no message of that type, or the type is unknown here.
        """
        try:
            if self.storage != "ros1":
                return self._store.deserialize_cdr(message.data, message.type)
            fields = self._store.deserialize_ros1(message.data, message.type)
        except Exception as error:  # as above
            raise BagError(f"damaged message on {message.topic}: {_one_line(error)}") from error
        if message.type == _CAMERA_INFO:  # its matrices were in capitals
            return SimpleNamespace(**{name.lower(): value for name, value in vars(fields).items()})
        return fields


def _is_latched(connection: Connection) -> bool:
    """Whether who comes late was to hear what was sent last."""
    if isinstance(connection.ext, ConnectionExtRosbag1):
        return bool(connection.ext.latching)
    return any(qos.durability == QosDurability.TRANSIENT_LOCAL for qos in connection.ext.offered_qos_profiles)


def _streams(reader: Ros1Reader | Ros2Reader, topics: Sequence[str]) -> Iterator[Iterator[tuple[Any, int, bytes]]]:
    """The messages of ``topics``, each stream in order of recording."""
    storage = getattr(reader, "storage", None)
    files = getattr(storage, "storages", [storage])
    is_plain = storage is not None and storage.metadata.compression_mode is None
    if is_plain and any(isinstance(file, McapReader) and not file.chunks for file in files):
        # Without an index the library insists on order of time, which recorders of several topics do not quite keep.
        for file in files:
            yield file.messages_scan([c for c in file.connections if c.topic in topics])
        return
    connections = [c for c in reader.connections if c.topic in topics]
    if connections:  # none would mean all
        yield reader.messages(connections)


@contextmanager
def open_bag(path: str | os.PathLike[str]) -> Iterator[Bag]:
    """Open a recording: a file, or the folder of one.

    A folder without a sound ``metadata.yaml`` is read file by file, and an MCAP file that breaks off as far as it goes.

    Raises:
        BagError: there is none, or nothing of it can be read.
    """
    path = Path(path)
    if not path.exists():
        raise BagError(f"there is no bag {path}")
    files = _files_of(path)
    if not files:
        raise BagError(f"{path} is no bag: a bag is a file named .mcap, .db3 or .bag, or a folder of such files")
    storage = _STORAGES[files[0].suffix]
    with ExitStack() as stack:
        readers: list[Ros1Reader | Ros2Reader] = []
        bag = Bag(path, storage, readers)
        if storage == "ros1":
            readers += [_opened(stack, Ros1Reader, file) for file in files]
        else:
            readers += _open_ros2(stack, path, files, bag)
        yield bag


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.suffix in _STORAGES else []
    by_suffix: dict[str, list[Path]] = {}
    for file in sorted(path.iterdir()):
        # A file compressed as a whole is named .mcap.zstd, and opened by its folder's metadata.
        suffix = Path(file.stem).suffix if file.suffix == ".zstd" else file.suffix
        if suffix in _STORAGES and file.is_file():
            by_suffix.setdefault(suffix, []).append(file if file.suffix != ".zstd" else file.with_suffix(""))
    return max(by_suffix.values(), key=len, default=[])


def _open_ros2(stack: ExitStack, path: Path, files: Sequence[Path], bag: Bag) -> list[Ros2Reader]:
    if path.is_dir():
        try:
            return [_opened(stack, Ros2Reader, path)]
        except BagError as error:
            whole = [file for file in files if file.exists()]
            if not whole:
                raise
            what = str(error) if (path / "metadata.yaml").exists() else f"{path} has no metadata.yaml"
            bag.notes.append(f"{what}: read file by file, {', '.join(file.name for file in whole)}")
            files = whole
    readers = []
    for file in files:
        try:
            readers.append(_opened(stack, Ros2Reader, file))
        except BagError:
            if file.suffix != ".mcap":
                raise
            readers.append(_open_truncated(stack, file, bag))
    return readers


def _open_truncated(stack: ExitStack, file: Path, bag: Bag) -> Ros2Reader:
    try:
        truncated = TruncatedMcap(file)
    except (ValueError, OSError) as error:
        raise BagError(f"{file} is no MCAP file, or damaged: {_one_line(error)}") from error
    reader = _opened(stack, Ros2Reader, truncated)
    if truncated.lacks_messages:
        bag.breaks_off = (
            f"{file} breaks off: {truncated.kept / 1e6:.1f} MB of whole records were read, "
            f"{(truncated.size - truncated.kept) / 1e6:.1f} MB are torn"
        )
    else:
        bag.notes.append(f"{file} lacks its index; all its messages were read")
    return reader


def _opened(stack: ExitStack, kind: type, path: Any) -> Any:
    try:
        reader = kind(path)
        reader.open()
    except Exception as error:  # of the library, its parsers, decompressors and SQLite
        raise BagError(f"{path} cannot be read: {_one_line(error)}") from error
    stack.callback(reader.close)
    return reader


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
