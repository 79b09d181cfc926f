"""The one error that the command line turns into one line."""

from __future__ import annotations


class ConfigurationError(ValueError):
    """Something the user gave cannot work; the message says what, and what to do."""
