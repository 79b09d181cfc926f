"""Run what of a study is missing: budgets, trainings, pseudo-labels, measurements. Interrupted, it goes on."""

from __future__ import annotations

import time
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import torch
from tqdm import tqdm

from mtl_perception.json_file import write_json
from mtl_perception.machine import machine
from training.checkpoint import load_checkpoint
from training.checkpoint_evaluation import evaluate_checkpoint
from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import LabelChoice
from training.errors import ConfigurationError
from training.fit import labels_of
from training.pseudo_labels.labelling import write_pseudo_labels
from training.reproduce.plateau import is_past_plateau
from training.reproduce.run import Run
from training.reproduce.study_runs import StudyRuns
from training.reprojection.frames import choose_frames
from training.reprojection.labelling import reproject_labels
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
            self._check_teaching(run)
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
        if run.row.pseudo_labelled:
            self._pseudo_labels(run)
        self._fit(run)
        trained = load_checkpoint(self.checkpoint(run))
        trained.network.to(self.device)
        # What a teacher looks at when measured is the label of the frame itself.
        measured = {}
        for text, frames in self._measured_on.items():
            evaluation, per_class = evaluate_checkpoint(trained, frames)
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
        """What is reported, and what lengths are chosen on, is of frames that no network has seen, and not the same."""
        uses = [(self.study.source, self.source, "trained on")]
        for text, source in self._measured_on.items():
            uses.append((text, source, "reported" if text == self.study.report else "chosen on"))
        for (one, source, use), (other, more, other_use) in combinations(uses, 2):
            if both := source.shared_with(more):
                raise ConfigurationError(
                    f"{len(both)} frames, {min(both)} is one, are of {one}, which is {use}, and of {other}, which is "
                    f"{other_use}: take splits that share none"
                )

    def _check_batch(self, run: Run) -> None:
        """Said before anything is trained, not when the run's turn comes."""
        frames, batch = self._trained_frames(run), self._batch_size(run.row)
        if frames < batch and not run.row.pseudo_labelled:  # Which adds labels.
            raise ConfigurationError(
                f"{run.name}: {frames} frames to train on do not fill a batch of {batch}: "
                "take more labels, or a smaller batch_size"
            )

    def _check_teaching(self, run: Run) -> None:
        """Said before anything is trained, not when teachers or views come to label."""
        if run.row.reprojected:
            choose_frames(self.source, LabelChoice(LabelBudget.read(cast(Path, self._budget_file(run)))))
        if not run.row.teacher:
            return
        missing = self._tasks_to_label(run)
        if run.row.co_teachers and missing != ["semantic"]:
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
        if run.row.pseudo_labelled:
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
        """Let the run's teachers, or labelled frames, label what its budget lacks; nothing to do where it is done."""
        if (self.pseudo_folder(run) / "report" / "report.json").exists():
            return
        if run.row.reprojected:
            reproject_labels(self.source, out=self.pseudo_folder(run), budget=self._budget_file(run))
            return
        teachers = self.teachers_of(run)
        for teacher in teachers:
            if not self._is_done(teacher):
                self.run(teacher)
        write_pseudo_labels(
            [self.checkpoint(teacher) for teacher in teachers],
            self.source,
            out=self.pseudo_folder(run),
            budget=self._budget_file(run),
            tasks=self._tasks_to_label(run),
            soft=True,
            scales=run.row.scales,
            accelerator=self.trainer.get("accelerator", "auto"),
        )

    def _tasks_to_label(self, run: Run) -> list[str]:
        """What the run's teacher is to add: of what it predicts, and does not look at, that which fewer frames have.

        Raises:
            ConfigurationError: there is nothing; or every frame with what it looks at has it.
        """
        teacher, folder, names = self.teachers_of(run)[0].row, self.source.folder, self.source.names
        # A row with a teacher has a budget (``read_row``).
        choice = LabelChoice(LabelBudget.read(cast(Path, self._budget_file(run))))
        looked_at = labels_of((), teacher.inputs)
        able = [task for task in teacher.tasks if task not in looked_at]
        kinds = dict.fromkeys((*teacher.tasks, *run.budget))
        frames = {kind: sum(choice.has(folder, kind, name) for name in names) for kind in kinds}
        scarce = [task for task in able if frames[task] < max(frames.values())] or able
        seen = [name for name in names if all(choice.has(folder, label, name) for label in looked_at)]
        if all(choice.has(folder, task, name) for task in scarce for name in seen):
            which = f"has {' and '.join(looked_at)}, which it looks at, and " if looked_at else ""
            raise ConfigurationError(
                f"{run.name}: nothing is left for {teacher.name} to label: within the budget no frame {which}lacks "
                f"{' or '.join(scarce or teacher.tasks)}"
            )
        return scarce
