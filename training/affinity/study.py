"""What a matrix of tasks is made of: tasks, labels, seeds, steps; the whole study or its cheap version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.affinity.rows import affinity_rows
from training.errors import ConfigurationError
from training.metrics.figures import MAIN_FIGURES
from training.reproduce.study import Study
from training.yaml_file import STUDIES, read_fields

PREFIX = "affinity_"
"""Of the files of such studies, beside those of ``reproduce``."""


@dataclass(frozen=True)
class AffinityStudy:
    """What to train and where to measure.

    Attributes:
        name: the file's stem.
        dataset: folder of the data set, under the data root.
        split: of it, to train on; empty takes all its frames.
        report: FOLDER:SPLIT to measure on.
        tasks: two or more.
        plenty: frames that have the labels of the task that is given as input; 0 is all that have it.
        few: frames among them that have all labels.
        seeds: of the draw of labels, the network and the order of frames alike.
        steps: length of every network but the teachers: all that are compared take as many.
        teacher_steps: length of the teachers.
        soft: whether a student learns its teacher's probabilities, instead of its confident classes (tau 0.9, paper).
        report_frames: measure on no more frames than so many of ``report``, evenly spread; 0 is all.
        fit: arguments of ``python -m training fit`` for every row: ``data``, ``model``, ``trainer``.
        cheap: what the cheap version changes of seeds, steps, teacher_steps, report_frames and fit.
    """

    name: str
    dataset: str
    split: str
    report: str
    tasks: tuple[str, ...]
    few: int
    seeds: tuple[int, ...]
    steps: int
    teacher_steps: int
    plenty: int = 0
    soft: bool = False
    report_frames: int = 0
    fit: Mapping[str, Any] = field(default_factory=dict)
    cheap: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.tasks) < 2 or len(set(self.tasks)) != len(self.tasks):
            raise ConfigurationError(
                f"{self.name}: tasks {', '.join(self.tasks) or 'none'}: two or more are needed, each once"
            )
        if unknown := [task for task in self.tasks if task not in MAIN_FIGURES]:
            raise ConfigurationError(f"{self.name}: unknown task {unknown[0]!r}; known: {', '.join(MAIN_FIGURES)}")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigurationError(f"{self.name}: seeds {list(self.seeds)}: one or more, each once")
        for key in ("few", "steps", "teacher_steps"):
            if getattr(self, key) < 1:
                raise ConfigurationError(f"{self.name}: {key} is {getattr(self, key)}, not 1 or more")

    @property
    def source(self) -> str:
        """FOLDER:SPLIT, or FOLDER, that is trained on."""
        return f"{self.dataset}:{self.split}" if self.split else self.dataset

    def budgets(self) -> dict[str, dict[str, int]]:
        """Numbers of labels by task: under a task's name those with plenty of it, under "" those with few of all."""
        few = dict.fromkeys(self.tasks, self.few)
        return {"": few, **{task: {**few, task: self.plenty} for task in self.tasks}}

    def as_study(self) -> Study:
        """As ``reproduce`` knows a study."""
        return Study(
            name=self.name,
            dataset=self.dataset,
            split=self.split,
            report=self.report,
            budgets=tuple(self.budgets().values()),
            seeds=self.seeds,
            rows=affinity_rows(self.tasks, self.soft),
            steps=(self.steps,),
            teacher_steps=self.teacher_steps,
            report_frames=self.report_frames,
            fit=self.fit,
        )

    def cost(self) -> str:
        """How many trainings of how many steps, in words."""
        tasks, seeds = len(self.tasks), len(self.seeds)
        students, teachers = (3 * tasks + 1) * seeds, tasks * seeds
        total = students * self.steps + teachers * self.teacher_steps
        data = self.fit.get("data", {})
        size = f" at {data['height']}x{data['width']}" if {"height", "width"} <= data.keys() else ""
        return (
            f"{self.name}: {students + teachers} trainings, {students} of {self.steps} steps and {teachers} teachers "
            f"of {self.teacher_steps}, {total} steps in all{size}; {tasks} tasks, {seeds} seed{'s' * (seeds > 1)}"
        )


def read_affinity_study(path: Path) -> AffinityStudy:
    """Read a study's YAML.

    Raises:
        ConfigurationError: it is missing, no YAML, or a field is unknown, missing or makes no sense.
    """
    content = read_fields(path, "study")
    _check_cheap(content.get("cheap", {}), path)
    try:
        lists = {key: tuple(content.pop(key)) for key in ("tasks", "seeds")}
        if "seeds" in content.get("cheap", {}):
            content["cheap"] = {**content["cheap"], "seeds": tuple(content["cheap"]["seeds"])}
        return AffinityStudy(name=path.stem, **lists, **content)
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is no study of tasks: {error}") from error


def _check_cheap(cheap: Any, path: Path) -> None:
    known = ("seeds", "steps", "teacher_steps", "report_frames", "fit")
    if not isinstance(cheap, dict) or cheap.keys() - {*known}:
        raise ConfigurationError(f"{path}: cheap may change {', '.join(known)}, not {cheap!r}")


def known_studies() -> list[str]:
    """The names of the studies that come with the project, without ``PREFIX``."""
    return sorted(path.stem.removeprefix(PREFIX) for path in STUDIES.glob(f"{PREFIX}*.yaml"))
