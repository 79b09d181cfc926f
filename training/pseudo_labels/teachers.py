"""The networks that label together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.checkpoint import TrainedNetwork, load_checkpoint
from training.errors import ConfigurationError
from training.trained_on import budget_by_data, budgets_of_all, data_of_all


@dataclass(frozen=True)
class Teachers:
    """One network that labels, or several whose mean does (an ensemble, Lakshminarayanan et al. 2017).

    Attributes:
        paths: their checkpoints.
        networks: what these hold, in the same order.
        digest: by which they are known again, in this order.
    """

    paths: tuple[Path, ...]
    networks: tuple[TrainedNetwork, ...]
    digest: str

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Teachers:
        """Read their checkpoints.

        Raises:
            ConfigurationError: one cannot be read, or is given twice; or their working sizes, focal lengths or classes
                differ, so that there is no mean of them.
        """
        networks = tuple(load_checkpoint(path) for path in paths)
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
        if len(set(digests)) < len(digests):
            raise ConfigurationError(f"two of {', '.join(map(str, paths))} are the same network: give each once")
        for path, network in zip(paths, networks, strict=True):
            if differ := _difference(networks[0], network):
                raise ConfigurationError(
                    f"{path} cannot label together with {paths[0]}: its {differ}; train both with the same"
                )
        return cls(tuple(paths), networks, digest_of(digests))

    def as_one(self) -> TrainedNetwork:
        """The first, as if it looked at all that any of them looks at, and was trained on all that any of them was.

        To read frames for all of them by; its network is the first's and takes its own inputs only.
        """
        each = self.networks
        if len(each) == 1:
            return each[0]
        return replace(
            each[0],
            inputs=tuple(dict.fromkeys(m for network in each for m in network.inputs)),
            training_data=data_of_all(network.training_data for network in each),
            # Where one does not tell, nothing is known of all.
            budgets=None
            if any(network.budgets is None for network in each)
            else budgets_of_all(budget_by_data(n.training_data, n.budgets or {}) for n in each),
        )


def _difference(one: TrainedNetwork, other: TrainedNetwork) -> str:
    """What the other has otherwise that a mean needs alike, in words; nothing where there is none."""
    for what in ("height", "width", "focal_length"):
        own, its = getattr(one, what), getattr(other, what)
        if own != its:
            return f"{what} is {its:g}, not {own:g}"
    differ = [i for i in sorted({*one.classes, *other.classes}) if one.classes.get(i) != other.classes.get(i)]
    if differ:
        return f"class {differ[0]} is {other.classes.get(differ[0])}, not {one.classes.get(differ[0])}"
    return ""


def digest_of(digests: Sequence[str]) -> str:
    """One digest for the files of these: that of the only one, else of theirs behind one another, in their order."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
