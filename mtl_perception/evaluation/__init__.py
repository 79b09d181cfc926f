"""Measure networks on a recording of one's own camera: ``mtl-perception evaluate`` and ``compare``."""
