"""The networks that label together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.checkpoint import TrainedNetwork, load_checkpoint
from training.errors import ConfigurationError
from training.trained_on import budgets_of_all, data_of_all, learnt_within


@dataclass(frozen=True)
class Teachers:
    """One network that labels, or several whose mean does (an ensemble, Lakshminarayanan et al. 2017).

    Attributes:
        paths: their checkpoints.
        networks: what these hold, in the same order.
    """

    paths: tuple[Path, ...]
    networks: tuple[TrainedNetwork, ...]

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Teachers:
        """Read their checkpoints.

        Raises:
            ConfigurationError: one cannot be read, or is given twice; or their working sizes, focal lengths or classes
                differ, so that there is no mean of them.
        """
        if len({path.resolve() for path in paths}) < len(paths):
            raise ConfigurationError(f"teachers {', '.join(map(str, paths))}: each once")
        networks = tuple(load_checkpoint(path) for path in paths)
        first = networks[0]
        for path, other in zip(paths, networks, strict=True):
            for what in ("height", "width", "focal_length", "classes"):
                own, its = getattr(first, what), getattr(other, what)
                if own != its:
                    tell = "are others" if what == "classes" else f"is {its:g}, not {own:g}"
                    raise ConfigurationError(
                        f"{path} cannot label together with {paths[0]}: its {what} {tell}; train both with the same"
                    )
        return cls(tuple(paths), networks)

    def as_one(self) -> TrainedNetwork:
        """The first network, with all that is asked of frames, tasks and labels by any of them.

        It looks at what any of them looks at and predicts what all do; it was trained on what any of them was.
        """
        each = self.networks
        known = [network.budgets for network in each]
        within = [learnt_within(n.training_data, n.budgets or {}) for n in each]
        return replace(
            each[0],
            inputs=tuple(dict.fromkeys(m for network in each for m in network.inputs)),
            tasks=tuple(task for task in each[0].tasks if all(task in network.tasks for network in each)),
            training_data=data_of_all(network.training_data for network in each),
            # Where one does not tell, nothing is known of all.
            budgets=None if None in known else budgets_of_all(within),
        )

    def digest(self) -> str:
        """By which they are known again."""
        return digest_of([hashlib.sha256(path.read_bytes()).hexdigest() for path in self.paths])


def digest_of(digests: Sequence[str]) -> str:
    """One digest for the files of these: that of the only one, else of theirs behind one another."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
