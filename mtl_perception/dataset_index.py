"""Which frames a data set folder that grows was given, and when and why: its index, readable after a power cut.

``index/RUN.jsonl``, one file a run, is written by one process at a time, which holds a lock (``flock``) on it
meanwhile; two loggers on one folder have a run each and never write into one file. Every line is one JSON object.

The first line tells of the run::

    {"run": RUN, "robot": "...", "started": "2026-01-31T12:00:00Z", "software": "mtl_perception 0.1.0",
     "rgb_topic": "...", "depth_topic": "...", "frame_id": "...", "rules": {...parameters of the rules}}

``RUN`` is ``ROBOT-YYYYmmddTHHMMSS-xxxx``, the time in UTC and four random hexadecimal digits. Every further line is
a frame, appended and synced to the disk only after all of the frame's files are in their places::

    {"name": "RUN-000042", "stamp": 17..., "depth_stamp": 17..., "reason": "time", "sharpness": 210.5,
     "valid_depth": 0.83, ...}

``stamp`` and ``depth_stamp`` (null where the depth has none) are nanoseconds; ``sharpness`` is the variance of the
Laplacian of the grey image, ``valid_depth`` the share of pixels with depth; further keys may follow. Or a line takes a
frame back, and is written before the frame's files are removed::

    {"dropped": "RUN-000007"}

Or it tells that somebody asked for a frame that was there already, and readers get ``"asked_for": true`` with it::

    {"asked_for": "RUN-000007"}

So whatever moment the power fails at, a frame of the index has all its files, and files without a frame in the index
are of no consequence. A last line without its end, or one that is not JSON, was torn by a power cut: it is no entry,
and a writer that opens the file cuts it off. Other lines that make no sense were damaged by something else.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_perception.dataset_folder import DatasetError, check_name

INDEX_FOLDER = "index"
_SUFFIX = ".jsonl"
_NUMBERS = ("sharpness", "valid_depth", "view_change")


@dataclass(frozen=True)
class RunIndex:
    """What one run's file says.

    Attributes:
        run: the run's name, which is the file's.
        header: the first line; empty where it is missing or damaged.
        frames: the lines of the frames that were not dropped, by frame name, in order of writing.
        dropped: names of the frames that were dropped.
        problems: what is wrong with lines other than a torn last one, each with its line number.
        whole_bytes: how much of the file is not a torn last line.
    """

    run: str
    header: Mapping[str, Any]
    frames: Mapping[str, Mapping[str, Any]]
    dropped: frozenset[str]
    problems: tuple[str, ...]
    whole_bytes: int


def index_paths(root: str | os.PathLike[str]) -> list[Path]:
    """The index files of the data set folder ``root``, sorted by run; none where it has no index."""
    files = (Path(root) / INDEX_FOLDER).glob(f"*{_SUFFIX}")
    return sorted(p for p in files if not p.name.startswith("."))


def index_path(root: str | os.PathLike[str], run: str) -> Path:
    """Where the index of ``run`` is or would be.

    Raises:
        DatasetError: ``run`` cannot be a name.
    """
    return Path(root) / INDEX_FOLDER / (check_name(run) + _SUFFIX)


def read_run(path: Path) -> RunIndex:
    """Read one index file; lines that make no sense are told in ``problems``, and the others count.

    Raises:
        DatasetError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    return parse_run(path.stem, data)


def read_index(root: str | os.PathLike[str]) -> list[RunIndex]:
    """Every run of the data set folder ``root``, sorted by name.

    Raises:
        DatasetError: a file cannot be read.
    """
    return [read_run(path) for path in index_paths(root)]


def is_being_written(path: Path) -> bool:
    """Whether a process holds the index file ``path`` open for writing: frames may come or go at any moment.

    Raises:
        DatasetError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            # Shared, so that those who ask do not take each other for writers. It ends with the file.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    return False


def parse_run(run: str, data: bytes) -> RunIndex:
    """What the bytes of an index file say, see ``RunIndex``."""
    header: Mapping[str, Any] = {}
    frames: dict[str, Mapping[str, Any]] = {}
    dropped: set[str] = set()
    problems: list[str] = []
    whole = 0
    for number, (line, end) in enumerate(_lines(data), start=1):
        is_last = end == len(data)
        try:
            value = _parse(line)
        except ValueError as error:
            if not is_last:
                problems.append(f"line {number}: {error}")
                whole = end
            continue
        whole = end
        try:
            if number == 1 and "run" in value:
                header = _checked_header(value, run)
                continue
            if number == 1:
                problems.append("line 1: it does not tell of the run")
            if "dropped" in value:
                name = check_name(value["dropped"])
                frames.pop(name, None)
                dropped.add(name)
            elif "asked_for" in value and "name" not in value:
                name = check_name(value["asked_for"])
                if name in frames:
                    frames[name] = {**frames[name], "asked_for": True}
                elif name not in dropped:
                    raise DatasetError(f"frame {name}, which was asked for, is not there")
            else:
                name = _checked_frame(value)
                if name in frames or name in dropped:
                    raise DatasetError(f"frame {name} is there already")
                frames[name] = value
        except DatasetError as error:
            problems.append(f"line {number}: {error}")
    return RunIndex(run, header, frames, frozenset(dropped), tuple(problems), whole)


def _lines(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each line of ``data`` without its end, and where it ends; one that lacks its end is given as not JSON."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1
        if not end:
            yield b"", len(data)
            return
        yield data[start : end - 1], end
        start = end


def _parse(line: bytes) -> dict[str, Any]:
    """The object of one line; ValueError when it is none."""
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _checked_header(value: dict[str, Any], run: str) -> dict[str, Any]:
    if value["run"] != run:
        raise DatasetError(f"it tells of run {value['run']!r}, the file's name of {run!r}")
    return value


def _checked_frame(value: dict[str, Any]) -> str:
    """The name of the frame that ``value`` tells of."""
    if "name" not in value:
        raise DatasetError("it is neither a frame nor a dropped one")
    name = check_name(value["name"])
    if not _is_whole_number(value.get("stamp")):
        raise DatasetError(f"stamp of {name} is not a whole number of nanoseconds")
    if not (value.get("depth_stamp") is None or _is_whole_number(value["depth_stamp"])):
        raise DatasetError(f"depth_stamp of {name} is not a whole number of nanoseconds, nor null")
    for key in _NUMBERS:
        if not _is_number(value.get(key, 0)):
            raise DatasetError(f"{key} of {name} is not a number")
    if not isinstance(value.get("reason", ""), str):
        raise DatasetError(f"reason of {name} is not text")
    return name


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, (bool, str)) and math.isfinite(value)
    except (TypeError, OverflowError):  # a whole number of hundreds of digits
        return False


def _is_whole_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
