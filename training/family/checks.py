"""Frames that a family's networks are measured on: fit to be reported."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from training.datasets.source import Source, check_classes, common_classes
from training.errors import ConfigurationError
from training.models.tasks import DEPTH, SEMANTIC

LABELS = (DEPTH, SEMANTIC)


def check_report(report: str, trained_on: Iterable[str], root: str) -> None:
    """Make sure, before anything is trained, that ``report`` can be measured on, and that nobody learns from it.

    A line on stderr says so where it has labels of one kind only.

    Raises:
        ConfigurationError: a frame is both trained on and reported; no frame reported has a label; there is depth
            without intrinsics; or class ids mean something else than in ``trained_on``.
        DatasetError: there is no such folder or split.
    """
    reported = Source.parse(report, root)
    sources = {text: Source.parse(text, root) for text in trained_on}
    for text, source in sources.items():
        if both := reported.shared_with(source):
            raise ConfigurationError(
                f"{len(both)} frames, {min(both)} is one, are of {text}, which is trained on, and of {report}, which "
                "is reported: take splits that share none"
            )
    folder = reported.folder
    there = [kind for kind in LABELS if any(folder.has(kind, name) for name in reported.names)]
    if not there:
        raise ConfigurationError(f"no frame of {report} has a label of {' or '.join(LABELS)} to measure on")
    if DEPTH in there and folder.info.intrinsics is None:
        raise ConfigurationError(f"{folder.root} has depth but no intrinsics: add them to dataset.json")
    if SEMANTIC in there:
        check_classes(folder, common_classes([*sources.values()]))
    for kind in {*LABELS} - {*there}:
        print(f"warning: no frame of {report} has a label of {kind}: the table shows - for it", file=sys.stderr)
