"""Which frames to use: ``FOLDER:SPLIT`` on the command line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index
from training.errors import ConfigurationError

_KINDS = ("rgb", "depth", "semantic", "instance")


def split_source(text: str) -> tuple[str, str | None]:
    """Folder and split of ``FOLDER:SPLIT``; None for the split where only the folder is said."""
    path, colon, split = text.rpartition(":")
    return (path, split) if colon else (text, None)


@dataclass(frozen=True)
class Source:
    """Frames of one data set folder.

    Attributes:
        folder: whose frames they are.
        names: theirs.
        split: what they are called: the split's name, or ``all`` of the folder's.
    """

    folder: DatasetFolder
    names: list[str]
    split: str = "all"

    @classmethod
    def parse(cls, text: str, root: str) -> Source:
        """Open ``FOLDER:SPLIT``, or ``FOLDER`` for all its frames.

        Args:
            text: what to open; a relative folder is under ``root``.
            root: folder of the data sets.

        Raises:
            DatasetError: no such folder or split.
            ConfigurationError: it has no frames.
        """
        path, split = split_source(text)
        folder = DatasetFolder(Path(root).expanduser() / path)
        names = folder.names(split)
        if not names:
            raise ConfigurationError(f"{text} has no frames")
        return cls(folder, names, "all" if split is None else split)

    @property
    def digest(self) -> str:
        """SHA-256 that tells the frames from others of these names, wherever the folder lies.

        It is of the names, of the lengths of their pictures and labels, and of what those mean.
        """
        folder, info = self.folder, self.folder.info
        camera = vars(info.intrinsics) if info.intrinsics else None
        files = {name: [_length(folder.path(kind, name)) for kind in _KINDS] for name in self.names}
        content = [dict(info.classes), camera, info.depth_per_metre, files]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def pose_digest(self) -> str:
        """SHA-256 of where the frames were taken, which ``digest`` leaves out as no network looks at it."""
        paths = [self.folder.path("pose", name) for name in self.names]
        poses = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.exists()}
        return hashlib.sha256(json.dumps(poses).encode()).hexdigest()

    @property
    def recordings(self) -> dict[str, str]:
        """By frame of the folder the recording it is of: one of its ``sequences``, or a run of the depth logger.

        Raises:
            DatasetError: the logger's index cannot be read.
        """
        runs = {f"run {index.run}": index.frames for index in read_index(self.folder.root)}
        recordings = {**runs, **self.folder.info.sequences}
        return {name: key for key, names in recordings.items() for name in names}

    def spread(self, count: int) -> Source:
        """``count`` of the frames, evenly spaced from the first to the last; all where there are no more."""
        places = np.linspace(0, len(self.names) - 1, min(count, len(self.names))).round().astype(int)
        return Source(self.folder, [self.names[i] for i in places], self.split)

    def hold_out(self, count: int) -> Source:
        """``count`` of the frames: evenly spaced; of a recording the last ones in a row.

        A frame of a video says what its neighbours hold; so they are not parted but at one place.

        Raises:
            ConfigurationError: there are not more than ``count`` frames.
            DatasetError: the logger's index cannot be read.
        """
        if not 0 < count < len(self.names):
            raise ConfigurationError(f"cannot hold {count} of the {len(self.names)} frames of {self.folder.name} out")
        recordings = self.recordings
        groups: dict[str, list[str]] = {}
        for name in self.names:
            groups.setdefault(recordings.get(name, f"{name} alone"), []).append(name)
        held: list[str] = []
        seen = 0
        for group in groups.values():
            seen += len(group)
            share = -(-seen * count // len(self.names)) - len(held)
            held += group[len(group) - share :]
        return Source(self.folder, held, self.split)

    def is_of(self, other: Source) -> bool:
        """Whether it is of the same folder as ``other``, by whatever path."""
        return self.folder.root.resolve() == other.folder.root.resolve()

    def shared_with(self, other: Source) -> set[str]:
        """The frames that are ``other``'s, too."""
        return {*self.names} & {*other.names} if self.is_of(other) else set()

    def without(self, other: Source) -> Source:
        """The frames that are not ``other``'s, too."""
        left_out = self.shared_with(other)
        return Source(self.folder, [name for name in self.names if name not in left_out], self.split)


def _length(path: Path) -> int | None:
    """Bytes, or None where there is no such file."""
    return path.stat().st_size if path.exists() else None


def common_classes(sources: Sequence[Source]) -> dict[int, str]:
    """The class names that every source with classes shares.

    Raises:
        ConfigurationError: two sources differ, none has classes, or ids are not 1..N.
    """
    named = [source.folder for source in sources if source.folder.info.classes]
    if not named:
        raise ConfigurationError("none of the data sets names classes in its dataset.json")
    classes = dict(named[0].info.classes)
    for folder in named[1:]:
        other = dict(folder.info.classes)
        if other != classes:
            clash = min(i for i in {*other, *classes} if other.get(i) != classes.get(i))
            raise ConfigurationError(
                f"{named[0].name} ({len(classes)} classes) and {folder.name} ({len(other)}) name their "
                f"classes differently: id {clash} is {classes.get(clash)!r} and {other.get(clash)!r}"
            )
    if sorted(classes) != list(range(1, len(classes) + 1)):
        raise ConfigurationError(f"{named[0].name}: class ids must be 1..N without gaps, not {sorted(classes)}")
    return classes


def check_classes(folder: DatasetFolder, classes: Mapping[int, str]) -> None:
    """Make sure that the class ids of ``folder`` mean what they mean to a network of ``classes``.

    Raises:
        ConfigurationError: an id has another name.
    """
    theirs = folder.info.classes
    if dict(theirs) != dict(classes):
        wrong = min(i for i in {*theirs, *classes} if theirs.get(i) != classes.get(i))
        raise ConfigurationError(
            f"class {wrong} is {classes.get(wrong)!r} to the network and {theirs.get(wrong)!r} in {folder.root}"
        )
