"""Depth as worse sensors would have measured it, poses as worse localisation would have: what the method bears."""
