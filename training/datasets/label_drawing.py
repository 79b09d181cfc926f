"""Drawing label budgets: so many labels a task, a ratio, one label a frame, or each label by chance.

Every frame gets a number in 0..1 from a hash of the seed and its name, and the frames with the lowest
numbers are drawn. So a draw depends on nothing but the seed and the names (not on a library's version, nor
on what other frames there are), and what a smaller budget keeps, a larger one of the same seed keeps too:
500 depth with 50, 100 and 250 semantic labels are points of one curve, not three unlike data sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal

from mtl_perception.dataset_folder import DatasetFolder
from training.datasets.derived.sources import carries
from training.datasets.label_budget import LabelBudget, check_task, source_name
from training.errors import ConfigurationError

Overlap = Literal["nested", "independent"]


def draw(
    folder: DatasetFolder,
    split: str | None,
    counts: Mapping[str, int | None],
    seed: int = 0,
    overlap: Overlap = "nested",
) -> LabelBudget:
    """Keep exactly so many labels of each task.

    Args:
        folder: the data set; only labels that it has are drawn.
        split: one of its splits, or None for all frames.
        counts: task to the number of labels it keeps; None = all that there are.
        seed: another seed, another draw.
        overlap: ``"nested"``: frames with the scarcer label are among those with the more plentiful one, as in the
            paper (Experiments: 500 frames with depth, 250 of them with classes). For this, frames that carry all the
            labels are drawn first, and a task that keeps all its labels keeps them, nested or not.
            ``"independent"``: each task's frames are drawn without regard to the others'.

    Raises:
        DatasetError: no such split.
        ConfigurationError: an unknown task, or more labels asked for than there are, or, when nested, than there
            are frames with the labels of all the more plentiful tasks too.
    """
    frames = _Frames(folder, split, counts)
    for task, count in counts.items():
        _check_count(frames, task, count)
    sizes = {task: len(frames.carrying(task)) if count is None else count for task, count in counts.items()}
    plentiful_first = sorted(sizes, key=lambda task: (-sizes[task], task))
    labels = {}
    for position, task in enumerate(plentiful_first):
        if overlap == "independent":
            candidates = frames.ranked(frames.carrying(task), seed, task)
        elif counts[task] is None:
            candidates = frames.carrying(task)
        else:
            candidates = _nested(frames, plentiful_first, position, seed)
        if sizes[task] > len(candidates):
            chain = plentiful_first[: position + 1]
            raise ConfigurationError(
                f"{task}={sizes[task]} nested in {', '.join(chain[:-1])}: only {frames.have(len(candidates), chain)}; "
                "draw fewer, or independently"
            )
        labels[task] = tuple(sorted(candidates[: sizes[task]]))
    wanted = " ".join(f"{task}={'all' if count is None else count}" for task, count in counts.items())
    return frames.budget(seed, f"{wanted} {overlap}", {task: labels[task] for task in counts})


def _nested(frames: _Frames, plentiful_first: Sequence[str], position: int, seed: int) -> list[str]:
    """Frames with the label at ``position`` and all more plentiful ones, in the order of the draw.

    Those that serve the scarcer tasks too come first, so that those find theirs among the drawn.
    """
    candidates: list[str] = []
    for served in range(len(plentiful_first), position, -1):
        candidates += frames.ranked(set(frames.carrying(*plentiful_first[:served])) - set(candidates), seed)
    return candidates


def draw_ratio(
    folder: DatasetFolder,
    split: str | None,
    ratio: Mapping[str, int],
    seed: int = 0,
    overlap: Overlap = "nested",
) -> LabelBudget:
    """Keep as many labels as a ratio between the tasks allows; fractions of a label are dropped.

    Args:
        folder: the data set.
        split: one of its splits, or None for all frames.
        ratio: task to its part, such as ``{"depth": 10, "semantic": 1}``.
        seed: another seed, another draw.
        overlap: see ``draw``.

    Raises:
        DatasetError: no such split.
        ConfigurationError: an unknown task, a part that is not positive, or a task of which not one label is left.
    """
    frames = _Frames(folder, split, ratio)
    words = f"{':'.join(ratio)}={':'.join(str(part) for part in ratio.values())}"
    if min(ratio.values()) < 1:
        raise ConfigurationError(f"{words}: the parts of a ratio are whole numbers from 1")
    plentiful_first = sorted(ratio, key=lambda task: -ratio[task])
    scale = min(
        Fraction(len(frames.carrying(*(plentiful_first[: i + 1] if overlap == "nested" else (task,)))), ratio[task])
        for i, task in enumerate(plentiful_first)
    )
    counts = {task: int(part * scale) for task, part in ratio.items()}
    if min(counts.values()) < 1:
        raise ConfigurationError(f"{words} leaves some task no label: {frames.have_each()}")
    drawn = draw(folder, split, counts, seed, overlap)
    return frames.budget(seed, f"{words} {overlap}", drawn.labels)


def draw_one_label(folder: DatasetFolder, split: str | None, tasks: Sequence[str], seed: int = 0) -> LabelBudget:
    """Let every frame keep exactly one of the labels it has, each with the same chance.

    Raises:
        DatasetError: no such split.
        ConfigurationError: an unknown task, fewer than two tasks, or a task without a label.
    """
    frames = _Frames(folder, split, tasks)
    if len(frames.tasks) < 2:
        raise ConfigurationError("one label a frame: name at least two tasks to draw from")
    labels: dict[str, list[str]] = {task: [] for task in frames.tasks}
    for name in frames.names:
        carried = [task for task in frames.tasks if name in frames.carried[task]]
        if carried:
            labels[min(carried, key=lambda task, name=name: _number(seed, name, task))].append(name)
    rule = f"one label a frame: {' or '.join(frames.tasks)}"
    return frames.budget(seed, rule, {task: tuple(sorted(names)) for task, names in labels.items()})


def draw_random(folder: DatasetFolder, split: str | None, shares: Mapping[str, float], seed: int = 0) -> LabelBudget:
    """Keep each label by chance, independently of all others; a larger share keeps what a smaller one keeps.

    Args:
        folder: the data set.
        split: one of its splits, or None for all frames.
        shares: task to the probability, 0 to 1, that a label is kept.
        seed: another seed, another draw.

    Raises:
        DatasetError: no such split.
        ConfigurationError: an unknown task, one without a label, or a share that is no probability.
    """
    frames = _Frames(folder, split, shares)
    for task, share in shares.items():
        if not 0 < share <= 1:
            raise ConfigurationError(f"{task}={share}: a share is above 0 and at most 1")
    labels = {
        task: tuple(sorted(n for n in frames.carrying(task) if _number(seed, n, task) < share))
        for task, share in shares.items()
    }
    rule = "each label by chance: " + " ".join(f"{task}={share:g}" for task, share in shares.items())
    return frames.budget(seed, rule, labels)


class _Frames:
    """The frames of a split, and which of them carry which of the tasks' labels on disk."""

    def __init__(self, folder: DatasetFolder, split: str | None, tasks: Iterable[str]) -> None:
        self.tasks = tuple(dict.fromkeys(check_task(task) for task in tasks))
        if not self.tasks:
            raise ConfigurationError("no task to draw labels of")
        self.dataset, self.split = folder.name, split
        self.source = source_name(self.dataset, split)
        self.names = sorted(set(folder.names(split)))
        for name in self.names:
            if not folder.has("rgb", name):
                raise ConfigurationError(
                    f"{self.source} names frame {name}, which has no image in {folder.root / 'rgb'}"
                )
        self.carried = {task: {name for name in self.names if carries(folder, task, name)} for task in self.tasks}
        for task, names in self.carried.items():
            if not names:
                raise ConfigurationError(f"no frame of {self.source} carries {task}")

    def carrying(self, *tasks: str) -> list[str]:
        """Frames with the labels of all ``tasks``."""
        return sorted(set.intersection(*(self.carried[task] for task in tasks)))

    def ranked(self, names: Iterable[str], seed: int, *words: str) -> list[str]:
        """``names`` in the order of the draw."""
        return sorted(names, key=lambda name: (_number(seed, name, *words), name))

    def have(self, count: int, tasks: Sequence[str]) -> str:
        """How many frames carry the labels of all ``tasks``, as words."""
        return f"{count} frames of {self.source} carry {' and '.join(tasks)}" + (" together" * (len(tasks) > 1))

    def have_each(self) -> str:
        """How many frames carry each task's label, and all of them, as words."""
        counts = ", ".join(f"{len(names)} {task}" for task, names in self.carried.items())
        return f"{self.source} has {counts} labels, and {len(self.carrying(*self.tasks))} frames with all of them"

    def budget(self, seed: int, rule: str, labels: Mapping[str, tuple[str, ...]]) -> LabelBudget:
        """The budget of these frames."""
        return LabelBudget(self.dataset, self.split, seed, rule, dict(labels))


def _check_count(frames: _Frames, task: str, count: int | None) -> None:
    if count is None:
        return
    if count < 1:
        raise ConfigurationError(f"{task}={count}: a budget is at least 1 label; leave the task out for none")
    available = len(frames.carrying(task))
    if count > available:
        raise ConfigurationError(f"{task}={count}: only {frames.have(available, (task,))}")


def _number(seed: int, *words: str) -> float:
    """A number in [0, 1), always the same for the same seed and words."""
    digest = hashlib.sha256("/".join((str(seed), *words)).encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
