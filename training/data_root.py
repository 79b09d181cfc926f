"""Where data sets lie, unless a path says so."""

from __future__ import annotations

import argparse
import os


def data_root(given: str | None) -> str:
    """The folder of the data sets: the one given, else that of the environment, else here."""
    return given or os.environ.get("MTL_PERCEPTION_DATA", ".")


def add_root_option(parser: argparse.ArgumentParser, whose: str = "") -> None:
    """Add ``--root``; ``whose`` data sets, for the help, where not all are meant."""
    parser.add_argument(
        "--root", help=f"{whose}folder of the data sets (default: the environment's MTL_PERCEPTION_DATA, else here)"
    )
