"""The nodes: what of them is ROS. What they do to a frame is known elsewhere, and has no ROS."""
