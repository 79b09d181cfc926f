"""Whether a network knows the frames by heart that it is to be compared on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.model_card import ModelCard, TrainingData
from training.data_root import data_root
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.yaml_file import read_fields


def check_held_out(trained_on: Sequence[str], held_out: Sequence[str], who: str) -> None:
    """Make sure that no frame is both in ``trained_on`` and ``held_out``, each FOLDER or FOLDER:SPLIT.

    Raises:
        ConfigurationError: one is; ``who`` tells whose training it is in.
    """
    for text in held_out:
        held = Source.parse(text, ".")
        for other in trained_on:
            source = Source.parse(other, ".")
            if common := held.shared_with(source):
                raise ConfigurationError(
                    f"{text} is to be held out, but {len(common)} of its frames are in {other} too, which {who} "
                    f"learns from, e.g. {min(common)}: hold out others"
                )


def doubts_of_running(card: ModelCard, held_out: Sequence[str]) -> list[str]:
    """A sentence for each held-out source that the network that runs may have learnt: a card names data sets only."""
    return _doubts(
        "the network that runs", card.training_data, (), held_out, "its figures are too good to be beaten fairly"
    )


def doubts_of_teacher(checkpoint: Path, training_data: Sequence[TrainingData], held_out: Sequence[str]) -> list[str]:
    """A sentence for each held-out source that a teacher may have learnt, whose checkpoint names ``training_data``.

    Raises:
        ConfigurationError: the record of its training says that it has.
    """
    recorded = recorded_sources(checkpoint, training_data)
    check_held_out(recorded, held_out, f"--teacher {checkpoint}")
    so = "the comparison favours the grown network, which starts from its weights"
    return _doubts("the teacher", training_data, recorded, held_out, so)


def recorded_sources(checkpoint: Path, training_data: Sequence[TrainingData]) -> tuple[str, ...]:
    """What a checkpoint was trained on, FOLDER or FOLDER:SPLIT, as ``fit``'s settings beside it say.

    Args:
        checkpoint: its path.
        training_data: what the checkpoint itself says; settings of other data sets are not its own.

    Returns:
        Nothing where that is not the whole story: no such settings, folders that are not there any more, or first
        weights or pseudo-labels of a network that had a training of its own.
    """
    try:
        settings = read_fields(checkpoint.with_name("config.yaml"), "training's settings")
        data = settings["data"]
        if data["pseudo_labels"] or settings["model"]["start_from"]:
            return ()
        root = Path(data_root(data["root"])).expanduser()
        sources = tuple(str(root / text) for text in data["train"])
        names = {Source.parse(text, ".").folder.name for text in sources}
    except (ConfigurationError, DatasetError, KeyError, TypeError):
        return ()
    return sources if names == {entry.name for entry in training_data} else ()


def _doubts(
    who: str, training_data: Sequence[TrainingData], recorded: Sequence[str], held_out: Sequence[str], so: str
) -> list[str]:
    known = [Source.parse(text, ".") for text in recorded]
    sentences = []
    for text in held_out:
        held = Source.parse(text, ".")
        name = held.folder.name
        learnt = max((entry.frames for entry in training_data if entry.name == name), default=0)
        if not learnt or any(held.is_of(source) for source in known):
            continue
        others = len(held.folder.names()) - len(held.names)
        which = (
            f"and {text} leaves only {others}: it has learnt frames that are held out, and {so}"
            if learnt > others
            else f"which ones is not recorded: if {text} is among them, {so}"
        )
        sentences.append(f"Warning: {who} was trained on {learnt} frames of {name}, {which}. Better hold out others.")
    return sentences
