"""Kinds of values that commands take, for ``argparse``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

MODEL_HELP = "network file, or the bare name of a shipped one (default: the shipped one)"
"""Of an argument that ``share.model_path`` takes."""


def positive(text: str) -> float:
    """The finite number above 0 that ``text`` says.

    Raises:
        argparse.ArgumentTypeError: it says another; ValueError: it says none. ``argparse`` tells of both.
    """
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def at_least_one(text: str) -> int:
    """The whole number above 0 that ``text`` says.

    Raises:
        argparse.ArgumentTypeError: it says another; ValueError: it says none. ``argparse`` tells of both.
    """
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def user_path(text: str) -> Path:
    """The path, ``~`` being the home folder; a shell sees to that at the start of a word, not in ``--out=~/x``."""
    return Path(os.path.expanduser(text))
