"""Train, teach, export and measure what of a family is missing. Interrupted, it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mtl_perception.network import read_card
from training import export
from training.checkpoint import load_checkpoint
from training.datasets.label_budget import LabelBudget
from training.datasets.label_drawing import draw
from training.datasets.source import Source
from training.family.family import Family, Member
from training.pseudo_labels import command as pseudo_labels
from training.resumable_fit import fit_resumably
from training.settings_file import check_settings, write_settings


class FamilyRunner:
    """Runs the members of a family in ``runs/FAMILY``, each in a folder of its own.

    Args:
        family: who they are.
        root: folder of the data sets.
        seed: of weights, order of frames and what is hidden; runs of another seed are others.
        accelerator: Lightning's.
    """

    def __init__(self, family: Family, root: str, seed: int = 0, accelerator: str = "auto") -> None:
        self.family, self.root, self.seed, self.accelerator = family, root, seed, accelerator
        self.home = Path("runs") / family.name

    def file(self, member: Member) -> Path:
        """The member's network file; there once it is trained and measured."""
        return self.home / f"{member.name}-seed{self.seed}.onnx"

    def run_all(self, members: Sequence[Member]) -> None:
        """Train and export those of ``members``, and their teachers, whose file is not there.

        Raises:
            ConfigurationError: one was begun with other settings than the family's now.
        """
        for member in members:
            self._check_settings(member)
        for member in tqdm(members, desc=self.family.name, unit="student", disable=None):
            if not self.file(member).exists():
                self._export(member, self._fit(member))

    def figures(self, members: Sequence[Member]) -> dict[str, dict[str, Any]]:
        """Of the members whose file is there, by name: what the file's card tells, and the parameters in millions."""
        found = {}
        for member in members:
            if self.file(member).exists():
                (evaluation,) = read_card(self.file(member)).evaluations
                network = load_checkpoint(self._checkpoint(member)).network
                parameters = sum(p.numel() for p in network.parameters()) / 1e6
                found[member.name] = {"values": dict(evaluation.values), "parameters_m": round(parameters, 2)}
        return found

    def _fit(self, member: Member) -> Path:
        write_settings(self._settings_file(member), self._settings(member))
        train, more = list(self.family.labelled), {}
        if member.teacher:
            train.append(self.family.unlabelled)
            labels = self._pseudo_labels(self.family.member(member.teacher))
            more = {"budget": str(self._budget()), "pseudo_labels": str(labels), "soft": True}
        return fit_resumably(
            self._name(member),
            self.family.fit,
            member.fit,
            {"data": {"root": self.root, "train": train, **more}, "trainer": {"enable_model_summary": False}},
            seed=self.seed,
            accelerator=self.accelerator,
        )

    def _pseudo_labels(self, teacher: Member) -> Path:
        """The folder of the teacher's word on the unlabelled frames, written if it is not there."""
        out = self.home / "pseudo" / f"{teacher.name}-seed{self.seed}"
        if not (out / "report" / "report.json").exists():
            checkpoint = self._fit(teacher)
            source = str(Path(self.root) / self.family.unlabelled)
            arguments = [str(checkpoint), source, "--budget", str(self._budget()), "--out", str(out)]
            pseudo_labels.main([*arguments, "--tasks", "semantic", "--soft", "--accelerator", self.accelerator])
        return out

    def _budget(self) -> Path:
        """The file that hides the unlabelled frames' classes: all but one frame's, as a budget hides no task whole."""
        source = Source.parse(self.family.unlabelled, self.root)
        path = self.home / f"unlabelled-seed{self.seed}.json"
        if not path.exists():
            _, _, split = self.family.unlabelled.partition(":")
            draw(source.folder, split or None, {"depth": None, "semantic": 1}, self.seed).write(path)
        LabelBudget.read(path).check(source.folder)
        return path

    def _export(self, member: Member, checkpoint: Path) -> None:
        report = str(Path(self.root) / self.family.report)
        size = "x".join(map(str, self.family.size))
        # It writes the file only when all has gone well.
        export.main([str(checkpoint), str(self.file(member)), "--frames", report, "--evaluate", report, "--size", size])

    def _name(self, member: Member) -> str:
        return f"{self.family.name}/{member.name}-seed{self.seed}"

    def _checkpoint(self, member: Member) -> Path:
        return Path("runs") / self._name(member) / "last.ckpt"

    def _settings_file(self, member: Member) -> Path:
        return self.home / f"{member.name}-seed{self.seed}-settings.json"

    def _settings(self, member: Member) -> dict[str, Any]:
        """What decides how the member is trained, its teacher's settings with its own."""
        teacher = self._settings(self.family.member(member.teacher)) if member.teacher else None
        return {
            "labelled": list(self.family.labelled),
            "unlabelled": self.family.unlabelled if teacher else None,
            "fit": self.family.fit,
            "own": member.fit,
            "teacher": teacher,
        }

    def _check_settings(self, member: Member) -> None:
        """Of the member and of who teaches it, as what is there of either is gone on with."""
        if member.teacher:
            self._check_settings(self.family.member(member.teacher))
        check_settings(
            self._settings_file(member),
            self._settings(member),
            str(self.home / member.name),
            "delete both, or give the changed family another name",
        )
