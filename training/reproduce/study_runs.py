"""The runs of a study: how long, with which teachers, and where everything of them lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from training.datasets.data_module import BATCH_SIZE
from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import LabelChoice
from training.datasets.label_drawing import draw
from training.datasets.pseudo_folder import DESCRIPTION, PseudoFolder
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.pseudo_labels.teachers import digest_of
from training.reproduce.row import Row
from training.reproduce.run import Run
from training.reproduce.study import Study
from training.reprojection.frames import choose_frames
from training.reprojection.labelling import DEFAULT_TOLERANCE
from training.reprojection.record import made_of, read_record
from training.settings_file import check_settings


class StudyRuns:
    """What a study asks for, and what there is of it under ``runs/STUDY``, each run in a folder of its own.

    Args:
        study: what to run.
        root: folder of the data sets.
        trainer: further arguments of Lightning's trainer, e.g. ``{"accelerator": "cpu"}``.
    """

    def __init__(self, study: Study, root: str, trainer: Mapping[str, Any] | None = None) -> None:
        self.study, self.root, self.trainer = study, root, dict(trainer or {})
        self.home = Path("runs") / study.name
        self.source = Source.parse(study.source, root)
        self._read_views: dict[Path, dict[str, str]] = {}

    def runs(self) -> list[Run]:
        """Every run: of a budget the lengths from short to long, of a length teachers before their students."""
        budgets, seeds, rows = self.study.budgets, self.study.seeds, self.study.with_teachers()
        if self.study.steps:
            lengths = self.study.steps
            teachers = {name for row in rows for name in row.teachers}
            ordered = [
                (steps, row, seed)
                for steps in lengths
                for row in sorted(rows, key=lambda r: r.name not in teachers)
                for seed in seeds
            ]
            return [Run(row, budget, seed, steps) for budget in budgets for steps, row, seed in ordered]
        return [
            Run(row, budget, seed, self._steps_of_epochs(row, budget, seed))
            for budget in budgets
            for seed in seeds
            for row in rows
        ]

    def results(self) -> list[dict[str, Any]]:
        """The results there are, in the order of ``runs``.

        Raises:
            ConfigurationError: one of them was made with other settings than the study's.
        """
        done = [run for run in self.runs() if self._is_done(run)]
        for run in done:
            self._check_settings(run)
        # A row that sees all labels is there for every budget, also for those that are still to come.
        begun = {run.budget_name for run in done if run.row.labels != "all"} or {run.budget_name for run in done}
        return [
            {
                "budget": dict(run.budget),
                "budget_name": run.budget_name,
                **json.loads(self._result_file(run).read_text()),
            }
            for run in done
            if run.budget_name in begun
        ]

    def checkpoint(self, run: Run) -> Path:
        """The run's last checkpoint."""
        return self.home / run.name / "last.ckpt"

    def teachers_of(self, run: Run) -> list[Run]:
        """The runs whose networks label what this one's frames lack, its teacher first: of the same seed and budget."""
        length = (self.study.teacher_steps or run.steps) if self.study.steps else 0
        rows = [self.study.row(name) for name in run.row.teachers]
        steps = [length or self._steps_of_epochs(row, run.budget, run.seed) for row in rows]
        return [Run(row, run.budget, run.seed, n) for row, n in zip(rows, steps, strict=True)]

    def pseudo_folder(self, run: Run) -> Path:
        """Where the pseudo-labels lie that a student learns."""
        if run.row.reprojected:  # Whatever its length.
            return self.home / run.budget_name / "pseudo" / f"reprojected-seed{run.seed}"
        lengths = "+".join(dict.fromkeys(str(teacher.steps) for teacher in self.teachers_of(run)))
        parts = ["+".join(run.row.teachers), f"seed{run.seed}", f"steps{lengths}"]
        return self.home / run.budget_name / "pseudo" / "-".join([*parts, *(f"x{s:g}" for s in run.row.scales)])

    def _result_file(self, run: Run) -> Path:
        return self.home / run.name / "result.json"

    def _settings_file(self, run: Run) -> Path:
        # Beside the run's folder: Lightning warns of a folder that is not empty.
        return self.home / f"{run.name}-settings.json"

    def _is_done(self, run: Run) -> bool:
        """Whether the run is measured on all that the study measures on now, as it is now."""
        path = self._result_file(run)
        if not path.exists():
            return False
        measured = json.loads(path.read_text())["measured"]
        return all(measured.get(text, {}).get("digest") == digest for text, digest in self._measured_digests.items())

    def _settings(self, run: Run) -> dict[str, Any]:
        """What the study's YAML and the row's say of how the run is trained, beyond what its folder's name says."""
        row = run.row
        lengths = dict.fromkeys(teacher.steps for teacher in self.teachers_of(run))
        return {
            "frames": self.study.source,
            "data": self._trained_digest,
            "fit": dict(self.study.fit),
            "row": {
                "require": row.require,
                "labels": row.labels,
                "soft": row.soft,
                "inherit": row.inherit,
                "fit": row.fit,
            },
            "teacher": [*row.teachers, *lengths, *row.scales] if row.teacher else "views" if row.reprojected else None,
            "precision": self.trainer.get("precision"),
        }

    def _check_settings(self, run: Run) -> None:
        """Runs of other settings neither are gone on with nor stand in one table."""
        check_settings(
            self._settings_file(run),
            self._settings(run),
            str(self.home / run.name),
            "delete both, or give the changed study another name",
        )
        if run.row.teacher:
            self._check_teacher(run)
        if run.row.reprojected:
            self._check_views(run)

    def _check_teacher(self, run: Run) -> None:
        """A teacher that was trained anew since is not the one whose labels the student learnt, or would."""
        labels, checkpoints = self.pseudo_folder(run), [self.checkpoint(t) for t in self.teachers_of(run)]
        if not ((labels / DESCRIPTION).exists() and all(path.exists() for path in checkpoints)):
            return
        digests = [_digest(path.resolve(), path.stat().st_mtime_ns) for path in checkpoints]
        if PseudoFolder(labels).info.teacher_sha256 != digest_of(digests):
            which = " or ".join(map(str, checkpoints))
            raise ConfigurationError(
                f"{labels} was written before {which} was trained anew: delete it, and the runs that learnt from "
                f"it ({self.home / run.name} is one)"
            )

    def _check_views(self, run: Run) -> None:
        """Poses, depth or labels that were mended since are not those of the labels that a run learnt, or would."""
        labels = self.pseudo_folder(run)
        record = read_record(labels)  # Of labels by an earlier version there is none.
        if record and record != self._views(run):
            raise ConfigurationError(
                f"{labels} was written before poses, depth or labels of {self.study.source} were changed: delete it, "
                f"and the runs that learnt from it ({self.home / run.name} is one)"
            )

    def _views(self, run: Run) -> dict[str, str]:
        """What labels carried by poses are made of, of the run's budget and seed."""
        path = cast(Path, self._budget_file(run))
        if path not in self._read_views:
            frames = choose_frames(self.source, LabelChoice(LabelBudget.read(path)))
            self._read_views[path] = made_of(self.source.folder, frames, DEFAULT_TOLERANCE)
        return self._read_views[path]

    def _budget_file(self, run: Run) -> Path | None:
        """The file that says which labels the run sees, drawn if it is not there; None for all labels."""
        if run.row.labels == "all":
            return None
        counts = dict(run.budget)
        if run.row.labels == "mirror":
            if len(counts) != 2:
                raise ConfigurationError(f"{run.name}: only a budget of two kinds of label has a mirror image")
            counts = dict(zip(counts, reversed(counts.values()), strict=True))
        path = self.home / run.budget_name / f"budget-{run.row.labels}-seed{run.seed}.json"
        if not path.exists():
            draw(self.source.folder, self.study.split or None, counts, run.seed).write(path)
        return path

    @cached_property
    def _trained_digest(self) -> str:
        return self.source.digest

    @cached_property
    def _measured_on(self) -> dict[str, Source]:
        """By the study's word for them the frames every run is measured on."""
        return {text: self._measured_frames(text) for text in self.study.measured_on()}

    @cached_property
    def _measured_digests(self) -> dict[str, str]:
        return {text: source.digest for text, source in self._measured_on.items()}

    def _measured_frames(self, text: str) -> Source:
        source = Source.parse(text, self.root)
        most = self.study.report_frames
        return source.spread(most) if most else source

    def _steps_of_epochs(self, row: Row, budget: Mapping[str, int], seed: int) -> int:
        """The steps of the study's epochs over the frames the row trains on."""
        if row.steps_of:
            return self._steps_of_epochs(self.study.row(row.steps_of), budget, seed)
        return self.study.epochs * (self._trained_frames(Run(row, budget, seed, 0)) // self._batch_size(row))

    def _batch_size(self, row: Row) -> int:
        return int({**self.study.fit.get("data", {}), **row.data}.get("batch_size", BATCH_SIZE))

    def _trained_frames(self, run: Run) -> int:
        """How many frames the run has true labels of: of all that it requires, or of any."""
        path = self._budget_file(run)
        choice = LabelChoice(LabelBudget.read(path) if path else None)
        kinds = run.row.require or run.row.tasks
        combine = all if run.row.require else any
        return sum(combine(choice.has(self.source.folder, kind, n) for kind in kinds) for n in self.source.names)


@cache
def _digest(path: Path, changed: int) -> str:
    """SHA-256 of a file; read again only where it was ``changed``."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
