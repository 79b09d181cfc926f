"""Depth as worse sensors would have measured it, to learn what the method bears (open question 3)."""
