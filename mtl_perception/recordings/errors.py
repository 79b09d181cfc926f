"""What goes wrong with recordings."""

from __future__ import annotations


class BagError(ValueError):
    """A bag is missing, damaged or holds nothing of use; the message says which."""


class ReplayError(RuntimeError):
    """A bag could not be played, or the node it is played to did not come up or gave nothing; the message says so."""
