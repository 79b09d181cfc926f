"""A room of labelled views and a budget that hides half of the labels, for tests of labels carried by poses."""

from __future__ import annotations

from pathlib import Path

from room_views import write_room

from mtl_perception.dataset_folder import DatasetFolder
from training.__main__ import main
from training.datasets.label_budget import LabelBudget

NAMES = [f"f{i:02d}" for i in range(12)]
LABELLED = NAMES[:6]


def write_budgeted_room(root: Path) -> DatasetFolder:
    """Twelve labelled frames in ``root / "room"``, and ``root / "budget.json"``, which leaves six of the labels."""
    folder = write_room(root / "room", splits={"train": NAMES})
    LabelBudget("room", "train", 0, "by hand", {"semantic": tuple(LABELLED)}).write(root / "budget.json")
    return folder


def reproject(room: DatasetFolder, *more: str) -> int:
    return main(["reproject-labels", f"{room.root}:train", "--budget", str(room.root.parent / "budget.json"), *more])


def files(root: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}


def whole(room: DatasetFolder) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted((room.root / "pseudo_semantic").iterdir())}
