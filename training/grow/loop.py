"""Teacher, pseudo-labels, student, export: each step goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.datasets.source import Source
from training.export.network_file import write_network_file
from training.pseudo_labels.labelling import write_pseudo_labels
from training.resumable_fit import fit_resumably
from training.settings_file import check_settings, write_settings


@dataclass(frozen=True)
class GrowthSettings:
    """What a student is grown from.

    Attributes:
        name: everything is written to ``runs/NAME``.
        logged: FOLDER or FOLDER:SPLIT of recordings with depth and without classes.
        labelled: FOLDER:SPLIT of frames with both labels.
        teacher: a checkpoint to label with; None trains one on ``labelled``.
        size: input of the exported file, height and width.
        scales: sizes of a frame over which the teacher's word on it is the mean; empty: its working size alone.
        fit: arguments of ``fit`` for ``both``, ``teacher`` and ``student``, by group.
        accelerator: Lightning's.
    """

    name: str
    logged: str
    labelled: tuple[str, ...]
    teacher: Path | None
    size: tuple[int, int]
    scales: tuple[float, ...]
    fit: Mapping[str, Mapping[str, Mapping[str, Any]]]
    accelerator: str

    def layers(self, role: str) -> list[Mapping[str, Mapping[str, Any]]]:
        """Arguments of ``fit`` for ``teacher`` or ``student``, by group; a later layer's win (``fit_resumably``)."""
        sources = [*self.labelled, *([self.logged] if role == "student" else [])]
        return [self.fit.get("both", {}), self.fit.get(role, {}), {"data": {"train": sources, "root": "."}}]


class GrowthLoop:
    """Grows a student in ``runs/NAME``.

    Raises:
        ConfigurationError: the folder holds what was begun with other settings.
    """

    def __init__(self, settings: GrowthSettings) -> None:
        self.settings = settings
        self.home = Path("runs") / settings.name
        self._check_settings()

    def teacher(self) -> Path:
        """The checkpoint that labels: the one given, or one trained on the labelled frames."""
        return self.settings.teacher or self._fit("teacher", {})

    def pseudo_labels(self, teacher: Path) -> Path:
        """The folder of what the teacher says of the logged frames."""
        out = self.home / "pseudo"
        source = Source.parse(self.settings.logged, ".")
        write_pseudo_labels(
            [teacher], source, out=out, soft=True, scales=self.settings.scales, accelerator=self.settings.accelerator
        )
        return out

    def student(self, teacher: Path, labels: Path) -> Path:
        """The checkpoint of a student of the true labels and the teacher's, which starts from the teacher's weights."""
        further = {"data": {"pseudo_labels": str(labels)}, "model": {"start_from": str(teacher)}}
        return self._fit("student", further)

    def export(self, student: Path, held_out: Sequence[str]) -> Path:
        """The network file of the student, measured on ``held_out``; its card tells the figures."""
        out = self.home / "student.onnx"
        frames = [Source.parse(text, ".") for text in held_out]
        write_network_file(student, out, frames[0], frames, self.settings.size, own_file=True)
        return out

    def _fit(self, role: str, further: Mapping[str, Mapping[str, Any]]) -> Path:
        return fit_resumably(
            f"{self.settings.name}/{role}",
            *self.settings.layers(role),
            further,
            accelerator=self.settings.accelerator,
        )

    def _check_settings(self) -> None:
        path = self.home / "settings.json"
        s = self.settings
        content = {
            "logged": _frames(s.logged),
            "labelled": [_frames(text) for text in s.labelled],
            "teacher": str(s.teacher) if s.teacher else None,
            "scales": s.scales,
            "fit": s.fit,
        }
        check_settings(path, content, str(self.home), "choose another --name, or delete it")
        write_settings(path, content)


def _frames(text: str) -> dict[str, Any]:
    """What a source was when the run began: frames logged, or labels mended, since need a run of their own."""
    return {"source": text, "digest": Source.parse(text, ".").digest}
