"""Data set folders to draw label budgets from: files are there, and empty."""

from __future__ import annotations

from pathlib import Path

from mtl_perception.dataset_folder import DatasetFolder, DatasetInfo
from training.datasets.label_budget import TASKS

NAMES = [f"f{i:02d}" for i in range(60)]
DEPTH, SEMANTIC = set(NAMES[:50]), set(NAMES[20:])  # 30 frames have both


def make_folder(root: Path, carried: dict[str, set[str]], names: list[str], **info) -> DatasetFolder:
    """A data set folder of empty files: a draw looks at what is there, not into it."""
    for kind, suffix, frames in (("rgb", ".jpg", names), *((task, ".png", carried[task]) for task in carried)):
        (root / kind).mkdir(parents=True, exist_ok=True)
        for name in frames:
            (root / kind / f"{name}{suffix}").touch()
    fields = {"splits": {"train": names}, **info}
    described = DatasetInfo(width=4, height=4, licence="CC0-1.0", source="made up", **fields)
    (root / "dataset.json").write_text(described.to_json(), encoding="utf-8")
    return DatasetFolder(root)


def full_folder(root: Path) -> DatasetFolder:
    """Every frame has every label."""
    return make_folder(root, {task: set(NAMES) for task in TASKS[:3]}, NAMES)


def holey_folder(root: Path) -> DatasetFolder:
    """50 frames have depth, 40 have classes, 30 both, and none object ids."""
    return make_folder(root, {"depth": DEPTH, "semantic": SEMANTIC}, NAMES)
