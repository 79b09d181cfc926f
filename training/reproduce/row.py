"""One row of a table: how its network is trained, in a few lines of YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from training.errors import ConfigurationError
from training.pseudo_labels.scales import check_scales
from training.yaml_file import read_fields

ROWS = Path(__file__).parent.parent / "experiments" / "rows"


@dataclass(frozen=True)
class Row:
    """How a network of the tables is trained.

    Attributes:
        name: the file's stem.
        title: its name in the table.
        require: labels a frame must have to be trained on; empty takes every frame with any.
        teacher: the row whose network labels what has no label, or None.
        co_teachers: rows whose networks label with the teacher: classes are the mean of them all.
        reprojected: whether labelled frames that see the same place label what has no label, instead of a teacher.
        soft: whether the teacher's probabilities are learnt, instead of its confident classes.
        scales: sizes of a frame over which the teacher's word on it is the mean; empty: its working size alone.
        inherit: whether it starts from its teacher's weights.
        labels: which labels are seen: ``budget``; ``mirror``, the budget with the two tasks' parts exchanged; or
            ``all``, those that the budget hides too (a ceiling).
        steps_of: train as many steps as this row, where a study counts epochs.
        data: arguments of ``FolderData`` that differ from the study's: balanced.
        model: arguments of ``PerceptionModule`` that differ from the study's: inputs, tasks, alpha.
        trainer: arguments of Lightning's trainer that differ from the study's: callbacks.
        paper: by data set, the paper's own figures.
    """

    name: str
    title: str
    require: tuple[str, ...] = ()
    teacher: str | None = None
    co_teachers: tuple[str, ...] = ()
    reprojected: bool = False
    soft: bool = False
    scales: tuple[float, ...] = ()
    inherit: bool = False
    labels: str = "budget"
    steps_of: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    trainer: Mapping[str, Any] = field(default_factory=dict)
    paper: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def fit(self) -> dict[str, Mapping[str, Any]]:
        """Its arguments of ``python -m training fit`` by group; only groups with any."""
        groups = {"data": self.data, "model": self.model, "trainer": self.trainer}
        return {name: dict(values) for name, values in groups.items() if values}

    @property
    def pseudo_labelled(self) -> bool:
        """Whether it learns labels that nobody gave."""
        return self.reprojected or self.teacher is not None

    @property
    def teachers(self) -> tuple[str, ...]:
        """The rows whose networks label for it, the teacher first."""
        return (self.teacher, *self.co_teachers) if self.teacher else ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """What it predicts."""
        return tuple(self.model.get("tasks", ("depth", "semantic")))

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it looks at."""
        return tuple(self.model.get("inputs", ("rgb",)))


def read_row(name: str) -> Row:
    """Read ``NAME.yaml``.

    Raises:
        ConfigurationError: there is no such row, or it says what a row cannot.
    """
    path = ROWS / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in ROWS.glob("*.yaml")))
        raise ConfigurationError(f"no row {name!r}; known: {known}")
    content = read_fields(path, "row")
    keys = {f.name for f in fields(Row)} - {"name"}
    if unknown := sorted(map(str, content.keys() - keys)):
        raise ConfigurationError(f"{path}: a row has no {unknown[0]!r}; it may say {', '.join(sorted(keys))}")
    for key in ("title", "teacher", "steps_of"):
        if not isinstance(content.get(key, ""), str):
            raise ConfigurationError(f"{path}: {key} is a text, not {content[key]!r}")
    for key in ("data", "model", "trainer", "paper"):
        if not isinstance(content.get(key, {}), dict):
            raise ConfigurationError(f"{path}: {key} holds fields, e.g. {{tasks: [semantic]}}, not {content[key]!r}")
    sequences = {key: content.get(key, []) for key in ("require", "co_teachers", "scales")}
    for key, value in sequences.items():
        if not isinstance(value, list):
            raise ConfigurationError(f"{path}: {key} is a list: [{value}]")
    check_scales(sequences["scales"], f"{path}: ")
    if not content.get("title"):
        raise ConfigurationError(f"{path} has no title")
    if content.get("labels", "budget") not in ("budget", "mirror", "all"):
        raise ConfigurationError(f"{path}: labels is budget, mirror or all, not {content['labels']!r}")
    if content.get("teacher") and content.get("labels") == "all":
        raise ConfigurationError(f"{path} has a teacher and sees all labels: there is nothing to label")
    if content.get("reprojected", False) not in (True, False):
        raise ConfigurationError(f"{path}: reprojected is true or false, not {content['reprojected']!r}")
    unfit = [key for key in ("teacher", "co_teachers", "soft", "scales", "inherit") if content.get(key)]
    unfit += ["labels"] if content.get("labels", "budget") != "budget" else []
    if content.get("reprojected") and unfit:
        raise ConfigurationError(f"{path}: reprojected labels are the budget's, of no teacher: leave out {unfit[0]}")
    row = Row(name=name, **{**content, **{key: tuple(value) for key, value in sequences.items()}})
    if row.co_teachers and (not row.teacher or row.labels != "budget" or len({*row.teachers}) < len(row.teachers)):
        raise ConfigurationError(f"{path}: co_teachers label classes within the budget, beside a teacher, each once")
    return row
