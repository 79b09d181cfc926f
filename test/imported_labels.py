"""Labels brought into a data set folder by the command."""

from __future__ import annotations

from mtl_perception.cli import main
from mtl_perception.dataset_folder import DatasetFolder


def run(folder: DatasetFolder, source, *options) -> int:
    """Import ``source``; the exit status."""
    return main(["dataset", "import-labels", str(folder.root), str(source), *map(str, options)])


def files(folder: DatasetFolder) -> dict[str, bytes]:
    """Every file of the folder, to see that nothing was written."""
    return {p.relative_to(folder.root).as_posix(): p.read_bytes() for p in folder.root.rglob("*") if p.is_file()}
