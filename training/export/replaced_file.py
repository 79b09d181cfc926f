"""The network file that lies where an export is to be written: that of another training is not replaced."""

from __future__ import annotations

import math
from pathlib import Path

import onnx

from mtl_perception.atomic_write import write_atomically
from mtl_perception.backends import NetworkError
from mtl_perception.model_card import ModelCard
from mtl_perception.network import read_card
from training.errors import ConfigurationError


def check_same_training(out: Path, card: ModelCard) -> None:
    """Make sure that what lies at ``out``, if anything does, may come from the training that ``card`` is of.

    Raises:
        ConfigurationError: it is of another training, or no network that an export wrote.
    """
    if not out.exists():
        return
    if out.is_dir():
        raise ConfigurationError(f"{out} is a folder")
    elsewhere = "choose another name, or move it away"
    try:
        there = read_card(out)
    except NetworkError as error:
        raise ConfigurationError(f"{out} is there and is no export: {elsewhere} ({error})") from error
    if differing := _differing(there, card):
        raise ConfigurationError(
            f"{out} is there and is of another training ({' and '.join(differing)} differ): {elsewhere}"
        )


def keep_previous(out: Path, exported: bytes) -> Path | None:
    """Copy the file at ``out`` to ``NAME.previous.onnx`` beside it, unless ``exported`` is the same network.

    The card does not tell one training from the next on the same frames, so what is replaced can be had back.

    Returns:
        Where it was kept; None where nothing was to be kept.
    """
    if not out.exists():
        return None
    data = out.read_bytes()
    if _without_card(data) == _without_card(exported):
        return None
    previous = out.with_suffix(".previous.onnx")
    write_atomically(previous, data)
    return previous


def _differing(there: ModelCard, ours: ModelCard) -> list[str]:
    """In what the networks of the two cards were trained unlike; the size of the input is not of the training."""
    same = {
        "architecture": there.architecture == ours.architecture,
        "classes": {c.id: c.name for c in there.classes} == {c.id: c.name for c in ours.classes},
        "training data": there.training_data == ours.training_data,
        "depth ranges": (there.depth_min, there.depth_max) == (ours.depth_min, ours.depth_max),
        "cameras": math.isclose(there.focal_length / there.input_width, ours.focal_length / ours.input_width),
    }
    return [name for name, is_same in same.items() if not is_same]


def _without_card(data: bytes) -> bytes:
    """The network of a file alone: its card has a date, and figures."""
    model = onnx.load_from_string(data)
    del model.metadata_props[:]
    return model.SerializeToString(deterministic=True)
