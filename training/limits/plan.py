"""Which trainings a study of limits takes: points of its curves, many of which share a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from training.datasets.derived.sources import source_kind
from training.datasets.pseudo_folder import DEFAULT_TAU
from training.degrade.localisation import LOCALISATION
from training.fit import labels_of
from training.limits.study import LABELS, NOISE, TAU, LimitsStudy, has_threshold
from training.models.tasks import DEPTH
from training.reproduce.row import Row, read_row
from training.reproduce.run import Run

CLEAN = ""
"""The data as they are."""


@dataclass(frozen=True)
class Point:
    """A place on a curve, and the row whose figures are there.

    Attributes:
        curve, value: where; 0 of a sensor's level is the data as they are.
        row: the study's row.
        is_student: whether it learns pseudo-labels.
        trained: the row that is trained for it, of a name of its own where a threshold is set.
        budget: that it is trained in.
        data: the degraded data it is trained on, ``SENSOR-LEVEL``, or ``CLEAN``, also of a row that does not see what
            the sensor measures.
    """

    curve: str
    value: float
    row: Row
    is_student: bool
    trained: Row
    budget: Mapping[str, int]
    data: str


def points(study: LimitsStudy) -> list[Point]:
    """All points, curve by curve."""
    found = []
    for curve, values in study.curves.items():
        for value in values if curve in (TAU, LABELS) else (0.0, *values):
            for row in (*study.controls, *study.students):
                is_student = row in study.students
                if curve == TAU and is_student and not has_threshold(row):
                    continue
                budget = {**study.budget, study.scarce: int(value)} if curve == LABELS else study.budget
                data = f"{curve}-{value:g}" if curve in NOISE and value and _sees(row, curve) else CLEAN
                trained = _at_tau(row, value) if curve == TAU and is_student else row
                found.append(Point(curve, value, row, is_student, trained, budget, data))
    return found


def plan(study: LimitsStudy) -> dict[str, list[Run]]:
    """Every training once, by the data it needs: teachers before their students, seed after seed."""
    found: dict[str, dict[str, Run]] = {}
    for seed in study.seeds:
        for point in points(study):
            runs = found.setdefault(point.data, {})
            for row in _teachers(point.trained):
                teacher = Run(row, point.budget, seed, study.teacher_steps or study.steps)
                runs.setdefault(teacher.name, teacher)
            run = Run(point.trained, point.budget, seed, study.steps)
            runs.setdefault(run.name, run)
    return {data: list(runs.values()) for data, runs in found.items()}


def cost(study: LimitsStudy) -> str:
    """How many trainings of how many steps, in words."""
    runs = [run for of_data in plan(study).values() for run in of_data]
    size = study.fit.get("data", {})
    where = f" at {size['height']}x{size['width']}" if {"height", "width"} <= size.keys() else ""
    return f"{study.name}: {len(runs)} trainings, {sum(run.steps for run in runs)} steps in all{where}"


def _teachers(row: Row) -> list[Row]:
    """All that label for a row, each after those that label for it."""
    return [one for teacher in map(read_row, row.teachers) for one in (*_teachers(teacher), teacher)]


def _sees(row: Row, sensor: str) -> bool:
    """Whether anything that a row, or what labels for it, learns or looks at is of what a sensor measures."""
    if row.reprojected or sensor == LOCALISATION:
        return row.reprojected
    rows = (row, *_teachers(row))
    return DEPTH in {source_kind(label) for one in rows for label in labels_of(one.tasks, one.inputs)}


def _at_tau(row: Row, tau: float) -> Row:
    if tau == row.data.get("tau", DEFAULT_TAU):  # The row as it is, which is trained for the other curves, too.
        return row
    return replace(row, name=f"{row.name}_tau{tau:g}", title=f"{row.title}, tau {tau:g}", data={**row.data, "tau": tau})
