"""How facts of a system are asked for: a file of its kernel, or a program that knows; what does not answer is None."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_PATIENCE = 10.0
"""Seconds that a program may take to answer."""


def said(*command: str) -> str | None:
    """What a program prints; None where it is not there, fails, takes long or prints nothing."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def written(path: Path) -> str | None:
    """What a file of the kernel says; None where it cannot be read or is empty."""
    try:
        return path.read_text(errors="replace").strip("\0 \n") or None
    except OSError:
        return None
