"""A data set folder, or a part of it, as the recording of a camera, at the times the frames were taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_index import RunIndex, read_index
from mtl_perception.recordings.bags import FIRST_STAMP, FRAME_ID, RecordedFrame, write_bag

_LAST_STAMP = 2**31 * 10**9
"""What the seconds of a ROS stamp can hold, nanoseconds."""
_USUAL_RATE = 10.0


def chosen_frames(folder: DatasetFolder, sequence: str | None, split: str | None, run: str | None = None) -> list[str]:
    """Names of the frames of ``sequence``, in order of time, or of ``split``, or of ``run``, or of all.

    Raises:
        DatasetError: the folder has no such sequence, split or run.
    """
    if sequence is not None:
        if sequence not in folder.info.sequences:
            known = ", ".join(folder.info.sequences) or "none"
            raise DatasetError(f"{folder.root} has no sequence {sequence!r}; it has: {known}")
        return list(folder.info.sequences[sequence])
    if run is not None:
        runs = {index.run: index for index in read_index(folder.root)}
        if run not in runs:
            raise DatasetError(f"{folder.root} has no run {run!r}; it has: {', '.join(runs) or 'none'}")
        return list(runs[run].frames)
    return folder.names(split)


def export_bag(
    folder: DatasetFolder, names: Sequence[str], out: Path, *, rate: float | None = None, raw: bool = False
) -> str:
    """Write frames as a rosbag2, see ``write_bag``; depth goes along where a frame has it.

    Args:
        folder: where the frames are.
        names: the frames; in order of time where the index does not tell their times.
        out: the file to write, ``*.mcap``.
        rate: frames a second, in place of the times of the index; without either the folder's ``rate_hz``, or 10.
        raw: colour uncompressed.

    Returns:
        Where the times came from, to be told.

    Raises:
        BagError: see ``write_bag``.
        DatasetError: a frame cannot be read, or its time is not known while that of others is.
    """
    known = {name: index for index in read_index(folder.root) for name in index.frames}
    if rate is None and not known.keys().isdisjoint(names):
        frames = _at_their_times(folder, names, known)
        frame_id = known[names[0]].header.get("frame_id")
        frame_id = frame_id if isinstance(frame_id, str) and frame_id else FRAME_ID
        write_bag(folder, frames, out, raw=raw, frame_id=frame_id)
        return f"over {(frames[-1].stamp - frames[0].stamp) / 1e9:.1f} s, as they were taken"
    rate = rate or folder.info.rate_hz or _USUAL_RATE
    stamps = [FIRST_STAMP + round(i * 1e9 / rate) for i in range(len(names))]
    frames = [RecordedFrame(n, t, t if folder.has("depth", n) else None) for n, t in zip(names, stamps, strict=True)]
    write_bag(folder, frames, out, raw=raw)
    return f"at {rate:g} Hz"


def _at_their_times(folder: DatasetFolder, names: Sequence[str], known: dict[str, RunIndex]) -> list[RecordedFrame]:
    lacking = [name for name in names if name not in known]
    if lacking:
        raise DatasetError(f"the index has no time of frame {lacking[0]}: choose a --run, or a --rate for all frames")
    runs = sorted({known[name].run for name in names})
    if len(runs) > 1:  # hours or months may lie between, and the bag would play them
        raise DatasetError(f"the frames are of several runs: choose a --run, or a --rate for all: {', '.join(runs)}")
    frames = [_recorded(folder, name, known[name].frames[name]) for name in names]
    return sorted(frames, key=lambda frame: (frame.stamp, frame.name))


def _recorded(folder: DatasetFolder, name: str, entry: dict) -> RecordedFrame:
    stamp = entry["stamp"]
    depth_stamp = None
    if folder.has("depth", name):
        depth_stamp = stamp if entry.get("depth_stamp") is None else entry["depth_stamp"]
    for value in (stamp, depth_stamp or 0):
        if not 0 <= value < _LAST_STAMP:
            raise DatasetError(f"{value} ns, the stamp of frame {name} in the index, is no time that ROS can tell")
    return RecordedFrame(name, stamp, depth_stamp)
