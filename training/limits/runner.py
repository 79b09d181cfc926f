"""Run what of a study of limits is missing, and gather its points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtl_perception.dataset_folder import DatasetFolder
from training.datasets.source import Source
from training.degrade.copying import degrade
from training.limits.plan import CLEAN, plan, points
from training.limits.study import LimitsStudy
from training.reproduce.run import Run
from training.reproduce.runner import StudyRunner
from training.reproduce.study import Study
from training.settings_file import check_settings, write_settings

NOISE_SEED = 0


class LimitsRunner:
    """Trains and measures under ``runs/STUDY``; degraded data sets and what is trained on them lie in there, too.

    Args:
        study: what to run.
        root: folder of the data sets.
        trainer: further arguments of Lightning's trainer.
    """

    def __init__(self, study: LimitsStudy, root: str, trainer: Mapping[str, Any] | None = None) -> None:
        self.study, self.root, self.trainer = study, root, trainer
        self.home = Path("runs") / study.name

    def run_all(self) -> None:
        """Degrade, train and measure what has no result yet."""
        for data, runs in plan(self.study).items():
            if data != CLEAN:
                self._degrade(data)
            self._runner(data, runs).run_all()

    def results(self) -> list[dict[str, Any]]:
        """Of all points and seeds ``curve``, ``value``, ``row``, ``student``, ``seed``, ``frames`` and ``values``."""
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for data, runs in plan(self.study).items():
            if data != CLEAN and not (self._folder(data) / "dataset.json").exists():
                continue
            rows = {run.row.name: run.row for run in runs}
            for r in self._runner(data, runs).results():
                run = Run(rows[r["row"]], r["budget"], r["seed"], r["steps"])
                found[data, run.name] = r["measured"][self.study.report]
        gathered = []
        for point in points(self.study):
            for seed in self.study.seeds:
                run = Run(point.trained, point.budget, seed, self.study.steps)
                measured = found.get((point.data, run.name))
                if measured is not None:
                    gathered.append(
                        {
                            "curve": point.curve,
                            "value": point.value,
                            "row": point.row.name,
                            "student": point.is_student,
                            "seed": seed,
                            "frames": measured["frames"],
                            "values": dict(measured["values"]),
                        }
                    )
        return gathered

    def _folder(self, data: str) -> Path:
        return self.home / "data" / f"{Path(self.study.dataset).name}_{data}"

    def _degrade(self, data: str) -> None:
        sensor, _, level = data.partition("-")
        out, original = self._folder(data), DatasetFolder(Path(self.root) / self.study.dataset)
        whole = Source(original, original.names())
        made_of = {"data": whole.digest}
        if any(row.reprojected for row in self.study.students):
            made_of["poses"] = whole.pose_digest
        settings = out.with_name(f"{out.name}-settings.json")
        check_settings(settings, made_of, str(out), "delete both, and the runs, or give the study another name")
        write_settings(settings, made_of)
        if not (out / "dataset.json").exists():
            degrade(original, out, sensor, float(level), NOISE_SEED)

    def _runner(self, data: str, runs: Sequence[Run]) -> StudyRunner:
        study = self.study
        return _PlannedRunner(
            Study(
                name=f"{study.name}/{data}" if data else study.name,
                dataset=str(self._folder(data).resolve()) if data else study.dataset,
                split=study.split,
                report=study.report,
                budgets=(study.budget,),
                seeds=study.seeds,
                rows=tuple({run.row.name: run.row for run in runs}.values()),
                steps=(study.steps,),
                teacher_steps=study.teacher_steps,
                report_frames=study.report_frames,
                fit=study.fit,
            ),
            self.root,
            self.trainer,
            runs,
        )


class _PlannedRunner(StudyRunner):
    """A study's runner of just these runs, not of all its rows in all its budgets."""

    def __init__(self, study: Study, root: str, trainer: Mapping[str, Any] | None, runs: Sequence[Run]) -> None:
        super().__init__(study, root, trainer)
        self._runs = list(runs)

    def runs(self) -> list[Run]:
        return self._runs
