"""Kinds of numbers that commands take, for ``argparse``."""

from __future__ import annotations

import argparse


def positive(text: str) -> float:
    """The finite number above 0 that ``text`` says.

    Raises:
        argparse.ArgumentTypeError: it says another; ValueError: it says none. ``argparse`` tells of both.
    """
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value
