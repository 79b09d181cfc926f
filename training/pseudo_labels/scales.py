"""Sizes of a frame over which a teacher's word on it is the mean."""

from __future__ import annotations

from training.errors import ConfigurationError

LEAST, LARGEST = 0.25, 4.0


def check_scales(scales: object, where: str = "") -> None:
    """See that they are such sizes; ``where``, such as ``"FILE: "``, is where they stand.

    Raises:
        ConfigurationError: they are no numbers in a row, or one is out of range.
    """
    if isinstance(scales, list | tuple) and all(isinstance(s, int | float) and LEAST <= s <= LARGEST for s in scales):
        return
    raise ConfigurationError(f"{where}scales {scales} are to be a list of numbers, each {LEAST:g} to {LARGEST:g}")
