"""An MCAP file that breaks off, as a robot leaves it whose power fails: what was written of it, for rosbags to read.

A whole file ends with an index, without which rosbags opens none. Of a file without, the records that are whole are
followed by the shortest end the format allows, one that says there is no index (MCAP specification, "Footer").
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

_MAGIC = b"\x89MCAP0\r\n"
_RECORD = struct.Struct("<BQ")
"""What every record begins with: its kind, and the length of what follows."""
_HEADER, _FOOTER, _DATA_END = 0x01, 0x02, 0x0F
_END = _RECORD.pack(_FOOTER, 20) + bytes(20) + _MAGIC


class TruncatedMcap:
    """Stands in for the path of an MCAP file that breaks off.

    Args:
        path: the file.

    Attributes:
        lacks_messages: the file breaks off before its index, so that messages may be lost.
        kept, size: bytes up to the end of the last whole record, and of the file.

    Raises:
        ValueError: it is no MCAP file, or holds no record.
        OSError: it cannot be read.
    """

    suffix = ".mcap"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self.kept, self.lacks_messages = _whole_records(path, self.size)

    def __str__(self) -> str:
        return str(self._path)

    def exists(self) -> bool:
        """As of a path."""
        return True

    def is_dir(self) -> bool:
        """As of a path."""
        return False

    def open(self, mode: str) -> io.BufferedReader:
        """The whole records and the end put after them, for ``mode`` ``"rb"``."""
        return io.BufferedReader(_Mended(open(self._path, mode), self.kept), 1 << 16)


def _whole_records(path: Path, size: int) -> tuple[int, bool]:
    """Where the last whole record before the index ends, and whether that is for want of more."""
    with open(path, "rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("it does not begin as an MCAP file does")
        end = len(_MAGIC)
        while len(head := file.read(_RECORD.size)) == _RECORD.size:
            kind, length = _RECORD.unpack(head)
            if kind in (_DATA_END, _FOOTER):
                return end, False
            if end == len(_MAGIC) and kind != _HEADER:
                raise ValueError("it has no header")
            if end + _RECORD.size + length > size:
                break
            end += _RECORD.size + length
            file.seek(end)
    if end == len(_MAGIC):
        raise ValueError("not even its header is whole")
    return end, True


class _Mended(io.RawIOBase):
    """The first ``kept`` bytes of a file, and ``_END``."""

    def __init__(self, file: io.BufferedReader, kept: int) -> None:
        super().__init__()
        self._file = file
        self._kept = kept
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._kept + len(_END)}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray) -> int:
        if self._position < self._kept:
            self._file.seek(self._position)
            data = self._file.read(min(len(buffer), self._kept - self._position))
        else:
            first = self._position - self._kept
            data = _END[first : first + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
