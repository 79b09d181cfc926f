"""What can go wrong with a deployment beside the network file."""

from __future__ import annotations


class DeploymentError(ValueError):
    """A network cannot be made ready for a machine, or not measured on it; one line says why and what to do."""
