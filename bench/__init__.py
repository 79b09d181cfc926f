"""Measures the node on this machine: ``python -m bench --help``."""
