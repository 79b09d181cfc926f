"""Bags, read (whole or torn) and written, without ROS."""
