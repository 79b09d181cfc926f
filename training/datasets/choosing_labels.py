"""What of a data set's labels a training sees: those of its budget, and pseudo-labels for the frames without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.datasets.label_budget import LabelBudget
from training.datasets.label_choice import LabelChoice
from training.datasets.pseudo_folder import TAU_END, PseudoFolder
from training.datasets.source import Source
from training.errors import ConfigurationError


def choose_labels(
    sources: Sequence[Source],
    classes: int,
    derived: tuple[str, ...],
    budget: str | None,
    pseudo_labels: str | None,
    *,
    soft: bool,
    tau: float | None,
    keep: float | None,
) -> list[LabelChoice]:
    """For each source which labels may be seen: a budget and pseudo-labels belong to one data set.

    Args:
        sources: what is trained on.
        classes: number N of classes.
        derived: the derived tasks whose labels are made.
        budget, pseudo_labels, soft, tau, keep: see ``FolderData``.

    Raises:
        ConfigurationError: they are of other data, the pseudo-labels' teacher saw what the budget hides, or they
            hold nothing of the kind asked for.
        DatasetError: a file is damaged, or of frames of another size.
    """
    allowed = LabelBudget.read(Path(budget)) if budget else None
    pseudo = PseudoFolder(pseudo_labels) if pseudo_labels else None
    names = [s.folder.name for s in sources]
    for path, dataset in ((budget, allowed and allowed.dataset), (pseudo_labels, pseudo and pseudo.info.dataset)):
        if dataset is not None and dataset not in names:
            raise ConfigurationError(f"{path} is for the data set {dataset!r}, training is on: {', '.join(names)}")
    if allowed:
        allowed.check(sources[names.index(allowed.dataset)].folder)
    if pseudo:
        pseudo.check(sources[names.index(pseudo.info.dataset)].folder, classes)
        _check_teacher(pseudo, allowed, budget)
    if soft and not (pseudo and pseudo.info.soft):
        where = f"{pseudo.root} holds" if pseudo else "without pseudo_labels there are"
        raise ConfigurationError(f"soft: {where} no probabilities; `pseudo-label --soft` writes them")
    if tau is not None:
        if soft or not pseudo or keep is not None or not 0 <= tau < TAU_END:
            raise ConfigurationError(
                f"tau {tau}: a softmax, 0 to below {TAU_END:.3f}, above which pseudo_labels that are not soft count"
            )
        pseudo.info = replace(pseudo.info, tau=tau)
    if keep is not None and (soft or not pseudo or not 0 < keep <= 1):
        raise ConfigurationError(f"keep {keep}: a share, above 0 to 1, of pseudo_labels that are not soft")
    choices = []
    for source in sources:
        name = source.folder.name
        theirs = pseudo if pseudo and pseudo.info.dataset == name else None
        least = theirs.least_by_rank(source.names, keep) if theirs and keep is not None else None
        own = allowed if allowed and allowed.dataset == name else None
        choices.append(LabelChoice(own, theirs, soft, least, derived))
    return choices


def _check_teacher(pseudo: PseudoFolder, allowed: LabelBudget | None, budget: str | None) -> None:
    """Make sure that pseudo-labels tell nothing of the labels that a training's budget hides.

    Raises:
        ConfigurationError: they were written within another budget of their data set; or the teacher learnt from the
            budget's data set, but not within that budget.
    """
    info = pseudo.info
    own = allowed if allowed and allowed.dataset == info.dataset else None
    if info.budget != (own and own.digest):
        raise ConfigurationError(
            f"{pseudo.root} was written by a teacher of {'another' if info.budget else 'no'} label budget, this "
            f"training's is {budget if own else 'none'}: their labels would be mixed; give both the same"
        )
    if allowed and info.learnt_within.get(allowed.dataset, allowed.digest) != allowed.digest:
        learnt = "another label budget" if info.learnt_within[allowed.dataset] else "no label budget that is known"
        raise ConfigurationError(
            f"{pseudo.root} was written by a teacher that learnt from {allowed.dataset!r} within {learnt}, this "
            f"training's is {budget}: it may have learnt the very labels that are hidden; train it within the same, "
            "and label anew"
        )
