"""A family of students: which networks, what they are trained on, who learns from whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.datasets.source import split_source
from training.deployed.input_size import is_in_proportion, size_text
from training.errors import ConfigurationError
from training.yaml_file import read_fields

FAMILIES = Path(__file__).parent.parent / "experiments" / "families"


@dataclass(frozen=True)
class Member:
    """One student.

    Attributes:
        name: of its run and its file.
        title: what it is, for people.
        fit: arguments of ``fit`` that are its own, by group.
        teacher: name of the member whose probabilities it learns on the unlabelled frames; empty for none.
    """

    name: str
    title: str
    fit: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    teacher: str = ""


@dataclass(frozen=True)
class Family:
    """Students that are trained and measured alike.

    Attributes:
        name: the file's stem.
        labelled: FOLDER:SPLIT with depth and classes, which all are trained on.
        unlabelled: FOLDER:SPLIT, of another folder: a taught student learns its depth and the teacher's classes there;
            its own classes are hidden from both. Empty where nobody is taught.
        report: FOLDER:SPLIT to measure on; nobody is trained on its frames.
        size: input of the files, height and width.
        fit: arguments of ``fit`` for every member, by group.
        members: in the order of the table; a teacher may come anywhere.
        faithful: name of the member that the others are compared with.
    """

    name: str
    labelled: tuple[str, ...]
    report: str
    members: tuple[Member, ...]
    faithful: str
    unlabelled: str = ""
    size: tuple[int, int] = (480, 640)
    fit: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def member(self, name: str) -> Member:
        """The member of that name.

        Raises:
            ConfigurationError: there is none.
        """
        for member in self.members:
            if member.name == name:
                return member
        known = ", ".join(member.name for member in self.members)
        raise ConfigurationError(f"the family {self.name} has no member {name!r}; it has: {known}")


def read_family(path: Path) -> Family:
    """Read a family's YAML.

    Raises:
        ConfigurationError: it is missing, no YAML, lacks or adds a field, or names a member that is none; its size is
            not two positive whole numbers, or of another proportion than a member's; or a
            student learns from itself, by whatever detour, or from a teacher without unlabelled frames to do it on.
    """
    content = read_fields(path, "family")
    try:
        members = tuple(Member(name=name, **fields) for name, fields in content.pop("members").items())
        lists = {key: tuple(content.pop(key)) for key in ("labelled", "size") if key in content}
        family = Family(name=path.stem, members=members, **lists, **content)
    except (AttributeError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is no family: {error}") from error
    if len(family.size) != 2 or not all(isinstance(number, int) and number > 0 for number in family.size):
        raise ConfigurationError(f"{path}: size is height and width, e.g. [480, 640], not {list(family.size)}")
    for member in members:
        _check_proportion(path, family, member)
    family.member(family.faithful)
    folders = {split_source(text)[0] for text in family.labelled}
    if family.unlabelled and (folder := split_source(family.unlabelled)[0]) in folders:
        raise ConfigurationError(
            f"{path}: unlabelled frames come from another folder than {folder}, whose classes are seen"
        )
    for member in members:
        taught_by = [member.name]
        while teacher := family.member(taught_by[-1]).teacher:
            if teacher in taught_by:
                raise ConfigurationError(
                    f"{path}: {teacher} learns from itself: {' from '.join([*taught_by, teacher])}"
                )
            taught_by.append(teacher)
        if len(taught_by) > 1 and not family.unlabelled:
            raise ConfigurationError(f"{path}: {member.name} has a teacher, and there are no `unlabelled` frames")
    return family


def _check_proportion(path: Path, family: Family, member: Member) -> None:
    """Said when the family is read, not after the training; ``fit`` tells what is no number."""
    groups = [fit.get("data") for fit in (family.fit, member.fit) if isinstance(fit, dict)]
    data = {key: value for group in groups if isinstance(group, dict) for key, value in group.items()}
    working = (data.get("height"), data.get("width"))
    if not all(isinstance(number, int) and number > 0 for number in working):
        return
    if not is_in_proportion(working, family.size):
        raise ConfigurationError(
            f"{path}: an input of {size_text(family.size)} would be squashed to the {size_text(working)} at which "
            f"{member.name} works: choose heights and widths in one proportion"
        )
