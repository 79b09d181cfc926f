"""Metric depth and semantic segmentation from one RGB camera: what runs on the robot."""

__version__ = "0.1.0"
