"""What a study of limits is made of: students, what they are compared with, and what is made worse step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.datasets.pseudo_folder import TAU_END
from training.degrade.localisation import LOCALISATION
from training.degrade.sensors import SENSORS, check_level
from training.errors import ConfigurationError
from training.reproduce.row import Row, read_row
from training.yaml_file import check_fit, is_budget, read_fields

PREFIX = "limits_"
"""Of the files of such studies, beside those of ``reproduce``."""
TAU, LABELS = "tau", "labels"
"""Curves that are not named after a sensor."""
NOISE = (*SENSORS, LOCALISATION)
"""Curves of data that get worse."""
MEANING = {
    TAU: "softmax above which a class is learnt",
    LABELS: "labels of the scarce task",
    "kinect": "noise of a Kinect, times",
    "disparity": "noise of disparity, pixels at a width of 640",
    "holes": "share of depth that is missing",
    LOCALISATION: "errors of poses, cm and half degrees",
}
"""What a curve's values are, to read."""


def has_threshold(row: Row) -> bool:
    """Whether a row learns the classes that a teacher is sure of."""
    return row.teacher is not None and not row.soft


@dataclass(frozen=True)
class LimitsStudy:
    """What to train and where to measure.

    Attributes:
        name: the file's stem.
        dataset, split: what to train on.
        report: FOLDER:SPLIT to measure on, its depth as it is.
        students: rows of pseudo-labels.
        controls: rows of no pseudo-labels, of the same data and steps: a student is compared with the best of them.
        seeds: of the draw of labels, the network and the order of frames alike; the noise is the same for all.
        steps: length of all but teachers.
        report_frames: measure on no more frames than so many of ``report``, evenly spread; 0 is all.
        budget: numbers of labels by task, where a curve says nothing else.
        teacher_steps: length of the teachers; as long as the others unless said.
        scarce: the task that the curve of labels is of.
        curves: by name the values: ``tau`` (thresholds of the students of confident classes), ``labels`` (numbers of
            labels of the scarce task), and sensors of ``degrade`` (levels of noise of the depth that is trained on, and
            that the teacher looks at; or of the poses by which labels are carried).
        fit: arguments of ``python -m training fit`` for every row.
        cheap: what the cheap version changes of seeds, steps, teacher_steps, report_frames, curves and fit.
    """

    name: str
    dataset: str
    split: str
    report: str
    students: tuple[Row, ...]
    controls: tuple[Row, ...]
    seeds: tuple[int, ...]
    steps: int
    budget: Mapping[str, int]
    curves: Mapping[str, tuple[float, ...]]
    teacher_steps: int = 0
    scarce: str = "semantic"
    report_frames: int = 0
    fit: Mapping[str, Any] = field(default_factory=dict)
    cheap: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.students and self.controls and self.seeds and self.curves):
            raise ConfigurationError(f"{self.name}: it needs students, controls, seeds and curves")
        if idle := [row.name for row in self.students if not row.pseudo_labelled]:
            raise ConfigurationError(f"{self.name}: {idle[0]} learns no pseudo-labels: it is no student")
        if taught := [row.name for row in self.controls if row.pseudo_labelled]:
            raise ConfigurationError(f"{self.name}: {taught[0]} learns pseudo-labels: it is no control")
        known = (TAU, LABELS, *NOISE)
        if unknown := [curve for curve in self.curves if curve not in known]:
            raise ConfigurationError(f"{self.name}: unknown curve {unknown[0]!r}; known: {', '.join(known)}")
        if empty := [curve for curve, values in self.curves.items() if not values]:
            raise ConfigurationError(f"{self.name}: the curve {empty[0]} has no values")
        if TAU in self.curves and not any(has_threshold(row) for row in self.students):
            raise ConfigurationError(f"{self.name}: tau is of a teacher's confident classes, which no student learns")
        if LOCALISATION in self.curves and not any(row.reprojected for row in self.students):
            raise ConfigurationError(
                f"{self.name}: {LOCALISATION} is of labels carried by poses: no student learns any"
            )
        check_fit(self.fit, self.name)
        if not is_budget(self.budget):
            raise ConfigurationError(
                f"{self.name}: budget holds numbers of labels by task, {{depth: 500, semantic: 50}}"
            )
        if self.scarce not in self.budget:
            raise ConfigurationError(f"{self.name}: the budget has no {self.scarce}, which is to be scarce")
        for key, least in (("steps", 1), ("teacher_steps", 0), ("report_frames", 0)):
            if type(number := getattr(self, key)) is not int or number < least:
                raise ConfigurationError(f"{self.name}: {key} is {number!r}, not a whole number, {least} or more")
        for curve, values in self.curves.items():
            for value in values:
                self._check_value(curve, value)

    def _check_value(self, curve: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigurationError(f"{self.name}: {value!r} of the curve {curve} is no number (5e-1 is text in YAML)")
        if curve == TAU and not 0 <= value < TAU_END:
            raise ConfigurationError(f"{self.name}: tau {value:g} is no softmax, 0 to below {TAU_END:.3f}")
        if curve == LABELS and (value < 1 or value != int(value)):
            raise ConfigurationError(f"{self.name}: {value:g} labels: a whole number, 1 or more")
        if curve in NOISE:
            check_level(curve, value)

    def only(self, curves: list[str] | None = None, seeds: list[int] | None = None) -> LimitsStudy:
        """The study of no more than these curves and seeds.

        Raises:
            ConfigurationError: it has no such curve.
        """
        if missing := [curve for curve in curves or () if curve not in self.curves]:
            raise ConfigurationError(f"{self.name} has no curve {missing[0]!r}; it has: {', '.join(self.curves)}")
        kept = {curve: values for curve, values in self.curves.items() if not curves or curve in curves}
        return replace(self, curves=kept, seeds=tuple(seeds) if seeds else self.seeds)


def read_limits_study(path: Path) -> LimitsStudy:
    """Read a study's YAML.

    Raises:
        ConfigurationError: it is missing, no YAML, or a field is unknown, missing or makes no sense.
    """
    content = read_fields(path, "study")
    try:
        rows = {key: _rows(content.pop(key), key, path) for key in ("students", "controls")}
        cheap = _lists(content.pop("cheap", {}))
        if unknown := cheap.keys() - {"seeds", "steps", "teacher_steps", "report_frames", "curves", "fit"}:
            raise ConfigurationError(f"{path}: cheap may not change {min(unknown)}")
        return LimitsStudy(name=path.stem, cheap=cheap, **rows, **_lists(content))
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path} is no study of limits: {error}") from error


def _rows(names: Any, key: str, path: Path) -> tuple[Row, ...]:
    if not isinstance(names, list):
        raise ConfigurationError(f"{path}: {key} is a list of rows: [{names}]")
    return tuple(read_row(name) for name in names)


def _lists(content: Mapping[str, Any]) -> dict[str, Any]:
    """``content`` with its sequences as tuples."""
    changed = dict(content)
    if "seeds" in changed:
        changed["seeds"] = tuple(changed["seeds"])
    if "curves" in changed:
        changed["curves"] = {curve: tuple(values) for curve, values in changed["curves"].items()}
    return changed
