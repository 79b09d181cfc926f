"""Whether a new network takes the place of the old one: both measured on the same held-out frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mtl_perception.model_card import Evaluation
from training.checkpoint import load_checkpoint
from training.checkpoint_evaluation import unseen_inputs
from training.datasets.source import Source
from training.deployed.evaluation import evaluate_file
from training.metrics.figures import MAIN_FIGURES, ROBOT_FIGURES
from training.models.tasks import SEMANTIC

TOLERANCE = 0.02
"""The share by which no figure may be worse."""


@dataclass(frozen=True)
class Change:
    """One figure on one set of frames.

    Attributes:
        data: FOLDER SPLIT.
        figure: a key of ``ROBOT_FIGURES``.
        old, new: of the two networks.
        gain: relative, positive where the new one is better.
    """

    data: str
    figure: str
    old: float
    new: float
    gain: float


@dataclass(frozen=True)
class Comparison:
    """The old network and the new one.

    Attributes:
        changes: every figure that both have.
        gain: their mean gain.
        better: the mean gain is positive, and no figure is worse by more than ``TOLERANCE``.
        why: that in words.
    """

    changes: tuple[Change, ...]
    gain: float
    better: bool
    why: str

    def markdown(self, old: str, new: str) -> str:
        """A table, and the verdict."""
        lines = [f"| measured on | figure | {old} | {new} | gain |", "| --- | --- | --- | --- | --- |"]
        lines += [
            f"| {c.data} | {c.figure} | {c.old:.4f} | {c.new:.4f} | {100 * c.gain:+.1f} % |" for c in self.changes
        ]
        return "\n".join([*lines, "", f"{'Replaced' if self.better else 'Not replaced'}: {self.why}.", ""])

    def to_json(self) -> str:
        """The same for programs."""
        return json.dumps(asdict(self), indent=1) + "\n"


def compare(old: Sequence[Evaluation], new: Sequence[Evaluation]) -> Comparison:
    """Compare the figures of two networks on the same sets of frames, in the same order."""
    changes = []
    for before, after in zip(old, new, strict=True):
        for name, figure in ROBOT_FIGURES.items():
            if name in before.values and name in after.values:
                a, b = before.values[name], after.values[name]
                gain = figure.sign * (b - a) / max(a, 1e-9)
                changes.append(Change(f"{before.data} {before.split}", name, a, b, gain))
    gain = sum(c.gain for c in changes) / len(changes)
    worst = min(changes, key=lambda c: c.gain)
    if worst.gain < -TOLERANCE:
        why = f"{worst.figure} on {worst.data} is worse by {-100 * worst.gain:.1f} %, more than {100 * TOLERANCE:g} %"
    elif gain <= 0:
        why = f"the mean gain is {100 * gain:+.1f} %"
    else:
        why = f"the mean gain is {100 * gain:+.1f} %, and no figure is worse by more than {100 * TOLERANCE:g} %"
    return Comparison(tuple(changes), gain, worst.gain >= -TOLERANCE and gain > 0, why)


def on_the_teacher(old: Sequence[Evaluation], teacher: Sequence[Evaluation]) -> str:
    """A sentence: how well the teacher knows the classes, and whether it knows them better than who runs now."""
    figure = MAIN_FIGURES[SEMANTIC].name
    pairs = [
        (b.values[figure], t.values[figure], f"{t.data} {t.split}")
        for t in teacher
        for b in old
        if (b.data, b.split) == (t.data, t.split) and figure in b.values and figure in t.values
    ]
    if not pairs:
        return "The held-out frames lack classes, or what the teacher looks at, to measure it by."
    told = ", ".join(f"{t:.4f} on {data}" for _, t, data in pairs)
    sentence = f"The teacher's {figure}: {told}."
    if sum(t - b for b, t, _ in pairs) <= 0:
        sentence += (
            " That is no better than the network that runs, so its labels have little to teach: "
            "train it longer (teacher.trainer in the recipe) or on more labelled frames."
        )
    return sentence


def measure_teacher(checkpoint: Path, held_out: Sequence[str]) -> list[Evaluation]:
    """Measure a teacher on those of ``held_out`` that have what it looks at."""
    trained = load_checkpoint(checkpoint)
    sources = [Source.parse(text, ".") for text in held_out]
    return [evaluate_file(checkpoint, source)[1] for source in sources if not unseen_inputs(trained, source)]


def measure(path: Path, held_out: Sequence[str]) -> list[Evaluation]:
    """Measure a network file or checkpoint on every FOLDER:SPLIT."""
    return [evaluate_file(path, Source.parse(text, "."))[1] for text in held_out]
