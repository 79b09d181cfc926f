"""Pseudo-labels: a teacher labels the frames that nobody has (Erkent 2026)."""
