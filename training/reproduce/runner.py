"""Run what of a study is missing: budgets, trainings, pseudo-labels, measurements. Interrupted, it goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import torch
from tqdm import tqdm

from mtl_perception.json_file import write_json
from mtl_perception.machine import machine
from training.checkpoint import load_checkpoint
from training.checkpoint_evaluation import evaluate_checkpoint
from training.datasets.label_budget import LabelBudget
from training.errors import ConfigurationError
from training.pseudo_labels import command as pseudo_labels
from training.reproduce.plateau import is_past_plateau
from training.reproduce.run import Run
from training.reproduce.study_runs import StudyRuns
from training.resumable_fit import fit_resumably
from training.settings_file import write_settings


class StudyRunner(StudyRuns):
    """Trains and measures a study's runs."""

    @property
    def device(self) -> torch.device:
        """Where networks are measured: on the GPU if they are trained on one."""
        on_gpu = self.trainer.get("accelerator", "auto") in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        return torch.device("cuda" if on_gpu else "cpu")

    def run_all(self) -> None:
        """Train and measure what has no result yet, but no row for longer than it came to anything.

        Raises:
            ConfigurationError: a run was made, or begun, with other settings than the study's; a frame is both trained
                on and reported; or a budget asks for more labels than there are, or for too few to fill a batch.
        """
        runs = self.runs()
        self._check_frames()
        for run in runs:
            self._check_settings(run)
            self._check_batch(run)
            self._check_ensemble(run)
        missing = [run for run in runs if not self._is_done(run)]
        print(f"{self.study.name}: {len(runs)} trainings, {len(runs) - len(missing)} of them done")
        for run in tqdm(missing, desc=self.study.name, unit="training", disable=None):
            if self._is_done(run):  # As another budget's it may be by now.
                continue
            if is_past_plateau(self.study, self.results(), run):
                tqdm.write(f"{run.name}: left out, a shorter length was no better than the one before it")
                continue
            self.run(run)

    def run(self, run: Run) -> None:
        """Train a run, from its last checkpoint if it was interrupted, and measure it."""
        began = time.monotonic()
        self._check_settings(run)
        write_settings(self._settings_file(run), self._settings(run))
        if run.row.teacher:
            self._pseudo_labels(run)
        self._fit(run)
        trained = load_checkpoint(self.checkpoint(run))
        trained.network.to(self.device)
        # What a teacher looks at when measured is the label of the frame itself.
        measured = {}
        for text, frames in self._measured_on.items():
            evaluation, per_class = evaluate_checkpoint(
                trained, frames, text.rpartition(":")[2] if ":" in text else "all"
            )
            measured[text] = {
                "frames": evaluation.frames,
                "digest": self._measured_digests[text],
                "values": evaluation.values,
                "iou": per_class,
            }
        result = {
            "row": run.row.name,
            "seed": run.seed,
            "steps": run.steps,
            "seconds": round(time.monotonic() - began, 1),
            "machine": torch.cuda.get_device_name() if self.device.type == "cuda" else machine(),
            "measured": measured,
        }
        write_json(self._result_file(run), result)

    def _check_frames(self) -> None:
        """What is reported must be of frames that no network has seen."""
        report = self._measured_on[self.study.report]
        if both := report.shared_with(self.source):
            raise ConfigurationError(
                f"{len(both)} frames, {min(both)} is one, are of {self.study.source}, which is trained on, and of "
                f"{self.study.report}, which is reported: take splits that share none"
            )

    def _check_batch(self, run: Run) -> None:
        """Said before anything is trained, not when the run's turn comes."""
        frames, batch = self._trained_frames(run), self._batch_size(run.row)
        if frames < batch and not run.row.teacher:  # Which adds labels.
            raise ConfigurationError(
                f"{run.name}: {frames} frames to train on do not fill a batch of {batch}: "
                "take more labels, or a smaller batch_size"
            )

    def _check_ensemble(self, run: Run) -> None:
        """Said before the teachers are trained, not when they come to label."""
        if not run.row.co_teachers:
            return
        missing = self._tasks_to_label(run)
        if missing != ["semantic"]:
            raise ConfigurationError(
                f"{run.name}: the mean of {', '.join(run.row.teachers)} is of classes, and the budget lacks "
                f"{', '.join(missing)}: take a row with one teacher"
            )

    def _fit(self, run: Run) -> None:
        """Train a run to its last step."""
        data: dict[str, Any] = {"root": self.root, "train": [self.study.source]}
        if budget := self._budget_file(run):
            data["budget"] = str(budget)
        if run.row.require:
            data["require"] = list(run.row.require)
        if run.row.teacher:
            data |= {"pseudo_labels": str(self.pseudo_folder(run)), "soft": run.row.soft}
        model = {"start_from": str(self.checkpoint(self.teachers_of(run)[0]))} if run.row.inherit else {}
        length = {"max_steps": run.steps, "max_epochs": -1, "enable_model_summary": False}
        try:
            fit_resumably(
                f"{self.study.name}/{run.name}",
                {"trainer": length},
                self.study.fit,
                run.row.fit,
                {"data": data, "model": model, "trainer": self.trainer},
                seed=run.seed,
                accelerator=self.trainer.get("accelerator", "auto"),
            )
        except ConfigurationError as error:  # One training of many: which?
            raise ConfigurationError(f"{run.name}: {error}") from error

    def _pseudo_labels(self, run: Run) -> None:
        """Let the run's teachers label what its budget lacks; nothing to do where that is done."""
        if (self.pseudo_folder(run) / "report" / "report.json").exists():
            return
        teachers = self.teachers_of(run)
        for teacher in teachers:
            if not self._is_done(teacher):
                self.run(teacher)
        pseudo_labels.main(
            [
                *(str(self.checkpoint(teacher)) for teacher in teachers),
                str(Path(self.root) / self.study.source),
                *("--budget", str(self._budget_file(run)), "--out", str(self.pseudo_folder(run)), "--soft"),
                *("--tasks", *self._tasks_to_label(run)),
                *(["--scales", *map(str, run.row.scales)] if run.row.scales else []),
                *("--accelerator", str(self.trainer.get("accelerator", "auto"))),
            ]
        )

    def _tasks_to_label(self, run: Run) -> list[str]:
        """What the run's teacher can add: tasks it predicts, and does not look at, that have fewer labels than others.

        A row with a teacher has a budget (``read_row``).
        """
        teacher = self.teachers_of(run)[0].row
        labels = LabelBudget.read(cast(Path, self._budget_file(run))).labels
        counts = {task: len(names) for task, names in labels.items()}
        scarce = [
            task for task in teacher.tasks if task not in teacher.inputs and counts.get(task, 0) < max(counts.values())
        ]
        return scarce or [min(counts, key=counts.__getitem__)]
