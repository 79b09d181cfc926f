"""Readers of labelled frames, all giving the same ``Sample``."""
