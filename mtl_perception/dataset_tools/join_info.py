"""One ``dataset.json`` of several: what must agree does, or the difference is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mtl_perception.dataset_folder import DatasetError, DatasetFolder, DatasetInfo
from mtl_perception.dataset_index import RunIndex


@dataclass(frozen=True)
class RenamedFolder:
    """A folder on its way into another.

    Attributes:
        folder: where it comes from.
        label: short name of it, which can begin the name of a frame.
        prefix: what its frames' and runs' names get before them, where some are taken; else empty.
        frames: names of its frames, as they were when it was looked at.
        runs: the runs of its index, as they were then.
    """

    folder: DatasetFolder
    label: str
    prefix: str
    frames: Sequence[str]
    runs: Sequence[RunIndex]

    def renamed(self, name: str) -> str:
        """What the frame or run ``name`` will be called."""
        return f"{self.prefix}{name}"


def joined_info(parts: Sequence[RenamedFolder]) -> DatasetInfo:
    """What holds for all of ``parts`` together.

    Classes are those of any of them; splits of one name are joined, sequences of one name told apart.
    ``rate_hz`` stays where all folders with sequences agree on it.

    Raises:
        DatasetError: sizes, intrinsics, depth units or classes contradict each other.
    """
    first = parts[0]
    for other in parts[1:]:
        for field in ("width", "height", "depth_per_metre", "intrinsics"):
            ours, theirs = getattr(first.folder.info, field), getattr(other.folder.info, field)
            if not _agree(ours, theirs):
                raise DatasetError(
                    f"{first.folder.root} and {other.folder.root} do not go together: "
                    f"{field} is {ours} in the one and {theirs} in the other"
                )
    infos = [part.folder.info for part in parts]
    splits: dict[str, list[str]] = {}
    sequences: dict[str, list[str]] = {}
    for part, info in zip(parts, infos, strict=True):
        for key, names in info.splits.items():
            splits.setdefault(key, []).extend(part.renamed(name) for name in names)
        taken = frozenset(sequences)
        for key, names in info.sequences.items():
            sequences[f"{part.label}-{key}" if key in taken else key] = [part.renamed(name) for name in names]
    rates = {info.rate_hz for info in infos if info.sequences}
    return DatasetInfo(
        width=infos[0].width,
        height=infos[0].height,
        licence="; ".join(dict.fromkeys(info.licence for info in infos)),
        source="; ".join(dict.fromkeys(info.source for info in infos)),
        intrinsics=infos[0].intrinsics,
        depth_per_metre=infos[0].depth_per_metre,
        classes=_joined_classes(parts),
        splits=splits,
        sequences=sequences,
        rate_hz=rates.pop() if len(rates) == 1 else None,
    )


def _agree(ours: object, theirs: object) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    if isinstance(ours, (int, float)):
        return math.isclose(ours, theirs, rel_tol=1e-6)
    return all(_agree(value, getattr(theirs, key)) for key, value in vars(ours).items())


def _joined_classes(parts: Sequence[RenamedFolder]) -> dict[int, str]:
    classes: dict[int, str] = {}
    ids: dict[str, int] = {}
    for part in parts:
        for class_id, name in part.folder.info.classes.items():
            if classes.get(class_id, name) != name or ids.get(name, class_id) != class_id:
                where = [str(p.folder.root) for p in parts[: parts.index(part)]]
                known = f"{class_id} {classes[class_id]!r}" if class_id in classes else f"{ids[name]} {name!r}"
                raise DatasetError(
                    f"{part.folder.root} does not go with {' and '.join(where)}: its class {class_id} is {name!r}, "
                    f"there it is {known}"
                )
            classes[class_id] = name
            ids[name] = class_id
    return classes
