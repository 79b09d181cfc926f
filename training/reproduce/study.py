"""A study: which rows, how many labels, seeds and steps, on which data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.errors import ConfigurationError
from training.reproduce.row import Row, read_row
from training.yaml_file import check_fit, is_budget, read_fields


@dataclass(frozen=True)
class Study:
    """What to train and where to measure.

    Attributes:
        name: the file's stem.
        dataset: folder of the data set, under the data root.
        split: of it, to train on.
        report: FOLDER:SPLIT to measure on; its figures are in the table.
        choose: FOLDER:SPLIT on which the length of a training is chosen; empty where only one is trained.
        budgets: numbers of labels by task.
        seeds: of the budget's draw, the network and the order of frames alike.
        rows: what is trained.
        steps: lengths to train each row for, so that rows are compared at equal steps and each at its best; a row whose
            figures on ``choose`` a length did not better is trained no longer.
        teacher_steps: length of the networks that label for others; as long as the student's unless said.
        epochs: instead of steps: passes over the row's own frames, as papers count.
        report_frames: measure on no more frames than so many of each, evenly spread; 0 is all.
        baselines: of the rows, those a pseudo-labelled student must beat: what one can do without a teacher.
        ceiling: of the rows, what a student could reach at best; with it, the share of the way is told.
        fit: arguments of ``python -m training fit`` for every row: ``data``, ``model``, ``trainer``.
        paper: under which name the rows hold the paper's figures.
        paper_note: what to know before those are held against ours; printed with them.
    """

    name: str
    dataset: str
    split: str
    report: str
    budgets: tuple[Mapping[str, int], ...]
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    choose: str = ""
    steps: tuple[int, ...] = ()
    teacher_steps: int = 0
    epochs: int = 0
    report_frames: int = 0
    baselines: tuple[str, ...] = ()
    ceiling: str = ""
    fit: Mapping[str, Any] = field(default_factory=dict)
    paper: str = ""
    paper_note: str = ""

    @property
    def source(self) -> str:
        """FOLDER:SPLIT that is trained on; FOLDER where ``split`` is empty."""
        return f"{self.dataset}:{self.split}" if self.split else self.dataset

    def measured_on(self) -> tuple[str, ...]:
        """The frames every run is measured on: ``report``, and ``choose`` if it is said."""
        return tuple(dict.fromkeys(filter(None, (self.report, self.choose))))

    def row(self, name: str) -> Row:
        """The row of that name: of the study's own, else of the rows on disk.

        Raises:
            ConfigurationError: there is none.
        """
        return next((row for row in self.rows if row.name == name), None) or read_row(name)

    def with_teachers(self) -> tuple[Row, ...]:
        """The rows in an order in which each comes after its teachers, and after the row whose steps it takes."""
        ordered: dict[str, Row] = {}

        def add(row: Row) -> None:
            if row.name in ordered:
                return
            for other in (*row.teachers, row.steps_of):
                if other:
                    add(self.row(other))
            ordered[row.name] = row

        for row in self.rows:
            add(row)
        return tuple(ordered.values())


def read_study(path: Path) -> Study:
    """Read a study's YAML.

    Raises:
        ConfigurationError: it is missing, no YAML, or lacks or adds a field; the message says which.
    """
    content = read_fields(path, "study")
    try:
        lists = {key: tuple(content.pop(key, ())) for key in ("budgets", "seeds", "steps", "baselines")}
        rows = tuple(read_row(name) for name in content.pop("rows"))
        study = Study(name=path.stem, rows=rows, **lists, **content)
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is no study: {error}") from error
    if not all(map(is_budget, study.budgets)):
        raise ConfigurationError(f"{path}: budgets is a list of labels by task, [{{depth: 500, semantic: 50}}]")
    check_fit(study.fit, str(path))
    if not (study.budgets and study.seeds and study.rows):
        raise ConfigurationError(f"{path}: a study has budgets, seeds and rows")
    if bool(study.steps) == bool(study.epochs):
        raise ConfigurationError(f"{path}: a study has either steps or epochs")
    if len(study.steps) > 1 and study.choose in ("", study.report):
        raise ConfigurationError(f"{path}: several lengths need `choose`: frames, not those reported, to choose one on")
    if unknown := {*study.baselines, study.ceiling} - {"", *(row.name for row in study.rows)}:
        raise ConfigurationError(f"{path}: {min(unknown)} is to be compared with, but is none of the rows")
    return study
