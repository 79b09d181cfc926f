"""What can go wrong with an evaluation beside the recording and the networks."""

from __future__ import annotations


class EvaluationError(ValueError):
    """Something cannot be measured or compared; one line says what and what to do."""
