"""Train, teach, export and measure what of a family is missing. Interrupted, it goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mtl_perception.network import read_card
from training.checkpoint import load_checkpoint
from training.datasets.label_budget import LabelBudget
from training.datasets.label_drawing import draw
from training.datasets.source import Source, split_source
from training.deployed.input_size import size_text
from training.export.network_file import write_network_file
from training.family.checks import check_report
from training.family.family import Family, Member
from training.pseudo_labels.labelling import write_pseudo_labels
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
        return self.home / f"{self._stem(member)}.onnx"

    def run_all(self, members: Sequence[Member]) -> None:
        """Train those of ``members``, and their teachers, that are not trained yet; export what ``exported`` lacks.

        Raises:
            ConfigurationError: one was begun with other settings or frames than the family's now; or see
                ``check_report``.
        """
        for member in members:
            self._check_settings(member)
        is_taught = any(member.teacher for member in members)
        trained_on = [*self.family.labelled, *([self.family.unlabelled] if is_taught else [])]
        check_report(self.family.report, trained_on, self.root)
        for member in tqdm(members, desc=self.family.name, unit="student", disable=None):
            if not self._is_exported(member):
                self._export(member, self._fit(member))

    def exported(self, members: Sequence[Member]) -> list[Member]:
        """Those whose file is there and measured as the family says now; a line on stderr for each other file.

        Raises:
            ConfigurationError: one was begun with other settings or frames than the family's now.
        """
        found = []
        for member in members:
            if not self.file(member).exists():
                continue
            self._check_settings(member)
            if self._is_exported(member):
                found.append(member)
            else:
                print(
                    f"{self.file(member)} is left out: it was not made for {size_text(self.family.size)} and measured "
                    f"on the frames that {self.family.report} names now; without --table-only it is exported anew",
                    file=sys.stderr,
                )
        return found

    def figures(self, members: Sequence[Member]) -> dict[str, dict[str, Any]]:
        """Of members that are exported, by name: what the file's card tells, and the parameters in millions."""
        found = {}
        for member in members:
            (evaluation,) = read_card(self.file(member)).evaluations
            network = load_checkpoint(self._checkpoint(member)).network
            parameters = sum(p.numel() for p in network.parameters()) / 1e6
            found[member.name] = {"values": dict(evaluation.values), "parameters_m": round(parameters, 2)}
        return found

    def _fit(self, member: Member) -> Path:
        write_settings(self._settings_file(member), self._settings(member))
        train, more = list(self.family.labelled), dict[str, Any]()
        if member.teacher:
            train.append(self.family.unlabelled)
            labels = self._pseudo_labels(self.family.member(member.teacher))
            more = {"pseudo_labels": str(labels), "soft": True}
            if budget := self._budget():
                more["budget"] = str(budget)
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
        out = self.home / "pseudo" / self._stem(teacher)
        if not (out / "report" / "report.json").exists():
            checkpoint = self._fit(teacher)
            source = Source.parse(self.family.unlabelled, self.root)
            write_pseudo_labels(
                [checkpoint], source, out=out, budget=self._budget(), soft=True, accelerator=self.accelerator
            )
        return out

    def _budget(self) -> Path | None:
        """The file that hides the unlabelled frames' classes: all but one frame's, as a budget hides no task whole.

        None where there is nothing to hide.
        """
        source = Source.parse(self.family.unlabelled, self.root)
        if not any(source.folder.has("semantic", name) for name in source.names):
            return None
        path = self.home / f"unlabelled-seed{self.seed}.json"
        if not path.exists():
            _, split = split_source(self.family.unlabelled)
            draw(source.folder, split, {"depth": None, "semantic": 1}, self.seed).write(path)
        LabelBudget.read(path).check(source.folder)
        return path

    def _export(self, member: Member, checkpoint: Path) -> None:
        report = Source.parse(self.family.report, self.root)
        # Interrupted between the file and the word on it, a file has none and is exported anew.
        self._export_file(member).unlink(missing_ok=True)
        write_network_file(checkpoint, self.file(member), report, [report], self.family.size, own_file=True)
        write_settings(self._export_file(member), self._export_settings())

    def _is_exported(self, member: Member) -> bool:
        """Whether the file is there, and of the size and measured on the frames of the family."""
        written = self._export_file(member)
        if not (self.file(member).exists() and written.exists()):
            return False
        return json.loads(written.read_text()) == self._export_settings()

    def _export_file(self, member: Member) -> Path:
        return self.home / f"{self._stem(member)}-export.json"

    def _export_settings(self) -> dict[str, Any]:
        """What of the family a file depends on beside its checkpoint."""
        report = self.family.report
        return {"size": size_text(self.family.size), "report": report, "frames": Source.parse(report, self.root).digest}

    def _stem(self, member: Member) -> str:
        """What all that is kept of the member is named."""
        return f"{member.name}-seed{self.seed}"

    def _name(self, member: Member) -> str:
        return f"{self.family.name}/{self._stem(member)}"

    def _checkpoint(self, member: Member) -> Path:
        return Path("runs") / self._name(member) / "last.ckpt"

    def _settings_file(self, member: Member) -> Path:
        return self.home / f"{self._stem(member)}-settings.json"

    def _settings(self, member: Member) -> dict[str, Any]:
        """What decides how the member is trained, its teacher's settings with its own."""
        teacher = self._settings(self.family.member(member.teacher)) if member.teacher else None
        labelled, unlabelled = self.family.labelled, self.family.unlabelled if teacher else None
        return {
            "labelled": list(labelled),
            "unlabelled": unlabelled,
            "frames": {text: Source.parse(text, self.root).digest for text in (*labelled, unlabelled) if text},
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
            f"delete all that is named {self._stem(member)}, and `pseudo`, under {self.home}, or give the changed "
            "family another name",
        )
